// SPDX-License-Identifier: MIT
// Threads take turns: each runs until it waits for others or ends. A pass goes over all threads in
// the chosen order; where a pass finds nobody who can run, the kernel is stuck and that is
// reported.
#include "tests/simt/scheduler.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <queue>
#include <random>
#include <vector>

#include "tests/simt/block.h"
#include "tests/simt/report.h"
#include "wick/core/error.h"

namespace wick::simt {
namespace {

// A loop that waits for memory that nobody writes is given up after so many rounds in vain.
constexpr int kPatience = 1'000'000;

std::size_t volume(const unsigned (&size)[3]) {
  return std::size_t{size[0]} * size[1] * size[2];
}

uint3 unfold(std::size_t number, const unsigned (&size)[3]) {
  return {static_cast<unsigned>(number % size[0]),
          static_cast<unsigned>(number / size[0] % size[1]),
          static_cast<unsigned>(number / size[0] / size[1])};
}

class Machine {
 public:
  Machine(const Launch& launch, const std::function<void()>& body, Schedule schedule)
      : launch_(launch), body_(body), schedule_(schedule), random_(schedule.seed) {}

  std::string run();

  // What threads call.
  void block_barrier(Where where);
  void group_barrier(Where where);
  void enter_warp(unsigned mask, Where where);
  void yield() {
    yielded_ = true;
    thread_->fiber->pause();
  }
  [[nodiscard]] Thread& thread() { return *thread_; }

 private:
  void order(std::vector<std::size_t>& items);
  void run_group(const std::vector<std::size_t>& block_numbers);
  void run_threads(std::vector<Thread*>& all);
  void run_thread(Thread& thread);
  // Lets a thread that waited, or is new, run when its turn comes.
  void wake(Thread& thread) {
    constexpr unsigned kOneIn = 512;
    if (schedule_.order == Order::random && random_() % kOneIn == 0) thread.rank += group_threads_;
    thread.state = Thread::State::ready;
    ready_.push(&thread);
  }
  void finish_warp(Block& block, unsigned warp, unsigned mask);
  // The thread must pause after it, for good; outside the call, so that no string stays behind.
  void fail(std::string message) {
    if (failure_.empty()) failure_ = std::move(message);
  }

  const Launch& launch_;
  const std::function<void()>& body_;
  Schedule schedule_;
  std::mt19937_64 random_;
  static inline FiberPool pool_;  // stacks are costly to make
  std::vector<std::unique_ptr<Block>> blocks_;
  struct LowestRank {
    bool operator()(const Thread* a, const Thread* b) const { return a->rank > b->rank; }
  };
  std::priority_queue<Thread*, std::vector<Thread*>, LowestRank> ready_;
  std::size_t at_group_barrier_ = 0;
  std::size_t group_threads_ = 0;
  Thread* thread_ = nullptr;
  bool yielded_ = false;
  std::string failure_;
};

Machine* machine = nullptr;

void Machine::order(std::vector<std::size_t>& items) {
  if (schedule_.order == Order::backward) std::reverse(items.begin(), items.end());
  if (schedule_.order == Order::random) std::shuffle(items.begin(), items.end(), random_);
}

std::string Machine::run() {
  gridDim = {launch_.grid[0], launch_.grid[1], launch_.grid[2]};
  blockDim = {launch_.block[0], launch_.block[1], launch_.block[2]};
  const std::size_t blocks = volume(launch_.grid);
  const std::size_t cluster = volume(launch_.cluster);
  const std::size_t together = launch_.cooperative ? blocks
                               : cluster > 1       ? cluster
                                                   : std::max<std::size_t>(1, schedule_.resident);
  std::vector<std::size_t> groups((blocks + together - 1) / together);
  std::iota(groups.begin(), groups.end(), std::size_t{0});
  order(groups);
  for (const std::size_t group : groups) {
    std::vector<std::size_t> numbers(std::min(together, blocks - group * together));
    std::iota(numbers.begin(), numbers.end(), group * together);
    run_group(numbers);
    if (!failure_.empty()) break;
  }
  return failure_;
}

void Machine::run_group(const std::vector<std::size_t>& block_numbers) {
  const std::size_t threads = volume(launch_.block);
  blocks_.clear();
  at_group_barrier_ = 0;
  group_threads_ = threads * block_numbers.size();
  std::vector<Thread*> all;
  for (const std::size_t number : block_numbers) {
    auto block = std::make_unique<Block>(unfold(number, launch_.grid), launch_.shared_bytes);
    block->threads.resize(threads);
    block->in_warp.resize((threads + kWarp - 1) / kWarp);
    for (std::size_t t = 0; t < threads; ++t) {
      Thread& thread = block->threads[t];
      thread.block = block.get();
      thread.number = static_cast<unsigned>(t);
      thread.index = unfold(t, launch_.block);
      all.push_back(&thread);
    }
    blocks_.push_back(std::move(block));
  }
  run_threads(all);
  for (Thread* const thread : all) {
    if (thread->fiber) pool_.give_back(std::move(thread->fiber));
  }
}

void Machine::run_threads(std::vector<Thread*>& all) {
  std::vector<std::size_t> ranks(all.size());
  std::iota(ranks.begin(), ranks.end(), std::size_t{0});
  order(ranks);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i]->rank = ranks[i];
    wake(*all[i]);
  }
  std::size_t running = all.size();
  int patience = kPatience;
  while (running > 0) {
    if (ready_.empty()) {
      failure_ = describe_deadlock(launch_.kernel, blocks_);
      return;
    }
    Thread& thread = *ready_.top();
    ready_.pop();
    yielded_ = false;
    run_thread(thread);
    if (!failure_.empty()) return;
    if (thread.state == Thread::State::done) --running;
    if (yielded_) {
      thread.rank += all.size();  // everybody else first
      wake(thread);
    }
    patience = yielded_ ? patience - 1 : kPatience;
    if (patience == 0) {
      failure_ = concat("kernel ", kernel_name(launch_.kernel),
                        ": threads wait in a loop for memory that nobody writes");
      return;
    }
  }
}

void Machine::run_thread(Thread& thread) {
  if (!thread.fiber) {
    thread.fiber = pool_.take();
    thread.fiber->set_body([](void* self) { static_cast<Machine*>(self)->body_(); }, this);
  }
  thread_ = &thread;
  threadIdx = thread.index;
  blockIdx = thread.block->index;
  thread.fiber->resume();
  if (!thread.fiber->busy()) {
    thread.state = Thread::State::done;
    pool_.give_back(
        std::move(thread.fiber));  // a thread that never waits needs no stack of its own
  }
}

// Barriers that were met and the one that is taken away; see record_barriers().
struct BarrierStudy {
  bool record = false;
  std::vector<Where> met;
  std::string removed;
  [[nodiscard]] static std::string name(const Where& where) {
    return concat(where.file_name(), ":", where.line());
  }
  // True where the barrier is to do nothing.
  bool meet(const Where& where) {
    if (record && std::none_of(met.begin(), met.end(),
                               [&](const Where& known) { return same_place(known, where); })) {
      met.push_back(where);
    }
    return !removed.empty() && name(where) == removed;
  }
};
BarrierStudy study;

void Machine::block_barrier(Where where) {
  if (study.meet(where)) return;
  Thread& self = *thread_;
  Block& block = *self.block;
  if (block.at_barrier == 0) {
    block.first_at_barrier = &self;
  } else if (!same_place(block.first_at_barrier->where, where)) {
    fail(concat(kernel_and_block(launch_.kernel, block), ": thread ",
                block.first_at_barrier->number, " waits at the barrier at ",
                place(block.first_at_barrier->where), ", thread ", self.number, " at another at ",
                place(where)));
    return self.fiber->pause();
  }
  self.where = where;
  if (++block.at_barrier == block.threads.size()) {
    block.at_barrier = 0;
    for (Thread& other : block.threads) wake(other);
  } else {
    self.state = Thread::State::at_block_barrier;
  }
  self.fiber->pause();  // the last to come, too, has its turn when its rank says so
}

void Machine::group_barrier(Where where) {
  Thread& self = *thread_;
  self.where = where;
  if (++at_group_barrier_ == group_threads_) {
    at_group_barrier_ = 0;
    for (const auto& block : blocks_) {
      for (Thread& other : block->threads) wake(other);
    }
  } else {
    self.state = Thread::State::at_group_barrier;
  }
  self.fiber->pause();
}

void Machine::enter_warp(unsigned mask, Where where) {
  Thread& self = *thread_;
  Block& block = *self.block;
  const unsigned warp = self.number / kWarp;
  const unsigned lanes =
      std::min<unsigned>(kWarp, static_cast<unsigned>(block.threads.size()) - warp * kWarp);
  const unsigned present = lanes == kWarp ? 0xFFFFFFFFU : (1U << lanes) - 1U;
  if (((mask >> (self.number % kWarp)) & 1U) == 0 || (mask & ~present) != 0) {
    fail(concat(kernel_and_block(launch_.kernel, block), ": thread ", self.number,
                " calls a warp function at ", place(where), " with mask ", mask,
                ", which must name this lane and only lanes that there are"));
    return self.fiber->pause();
  }
  self.mask = mask;
  self.where = where;
  self.state = Thread::State::in_warp;
  if (++block.in_warp[warp] >= static_cast<unsigned>(std::popcount(mask))) {
    finish_warp(block, warp, mask);
  }
  self.fiber->pause();
}

// Lets the lanes of `mask` go on if all of them have come.
void Machine::finish_warp(Block& block, unsigned warp, unsigned mask) {
  Thread* const lanes = &block.threads[std::size_t{warp} * kWarp];
  unsigned votes = 0;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (((mask >> lane) & 1U) == 0) continue;
    const Thread& other = lanes[lane];
    if (other.state != Thread::State::in_warp || other.mask != mask ||
        !same_place(other.where, thread_->where)) {
      return;
    }
    if (other.predicate) votes |= 1U << lane;
  }
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (((mask >> lane) & 1U) == 0) continue;
    Thread& other = lanes[lane];
    if (other.source >= kWarp || ((mask >> other.source) & 1U) == 0) {
      return fail(concat(kernel_and_block(launch_.kernel, block), ": thread ", other.number,
                         " asks lane ", other.source, " at ", place(other.where),
                         ", which is not in the mask ", mask));
    }
    other.got = lanes[other.source].given;
    other.votes = votes;
  }
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (((mask >> lane) & 1U) == 0) continue;
    wake(lanes[lane]);
    --block.in_warp[warp];
  }
}

}  // namespace

std::string run_kernel(const Launch& launch, const std::function<void()>& body, Schedule schedule) {
  Machine here(launch, body, schedule);
  machine = &here;
  std::string failure = here.run();
  machine = nullptr;
  return failure;
}

void record_barriers(bool record) {
  study.record = record;
  if (record) study.met.clear();
}

std::vector<std::string> recorded_barriers() {
  std::vector<std::string> places;
  for (const Where& where : study.met) places.push_back(BarrierStudy::name(where));
  return places;
}

void remove_barrier(const std::string& place) {
  study.removed = place;
}

void block_barrier(Where where) {
  machine->block_barrier(where);
}
void grid_barrier(Where where) {
  machine->group_barrier(where);
}
void cluster_barrier(Where where) {
  machine->group_barrier(where);
}

void exchange(unsigned mask, const void* value, void* result, std::size_t bytes, unsigned source,
              Where where) {
  Thread& self = machine->thread();
  std::memcpy(self.given.data(), value, bytes);
  self.source = source;
  machine->enter_warp(mask, where);
  std::memcpy(result, self.got.data(), bytes);
}

unsigned ballot(unsigned mask, bool predicate, Where where) {
  Thread& self = machine->thread();
  self.source = self.number % kWarp;
  self.predicate = predicate;
  machine->enter_warp(mask, where);
  return self.votes;
}

unsigned lane() {
  return machine->thread().number % kWarp;
}
void yield() {
  machine->yield();
}
unsigned char* dynamic_shared() {
  return machine->thread().block->shared.data();
}

}  // namespace wick::simt
