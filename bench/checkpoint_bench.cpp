// SPDX-License-Identifier: MIT
// Times saving, loading and opening checkpoints, one command a line, for compare_checkpoint.py.
//
// Commands, each answered by one line (seconds, unless said otherwise):
//   make TENSORS ELEMENTS   fills so many float32 tensors with random bits; answers the bytes
//   large PATH TENSORS ELEMENTS
//                           saves so many storages that all show the same memory
//   save PATH, save_sync PATH, write PATH, write_sync PATH
//                           save(), or plain write() of the same tensors' bytes one after the other
//   load PATH, read PATH    load(), or plain read() of the whole file into new memory
//   load_into PATH          CheckpointFile::load_into the tensors of `make`
//   open PATH NAME          CheckpointFile::open and one tensor, its first element looked at
//   map PATH                the same for all tensors, every page touched
//   peak                    bytes of memory beyond those of `make` that save took at most
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "wick/core/state_dict.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"

namespace {

using wick::Tensor;

constexpr std::size_t kWriteBytes = std::size_t{1} << 20;

void require(bool success, const std::string& what) {
  if (!success) throw std::system_error(errno, std::generic_category(), what);
}

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags, 0666)) {
    require(number_ >= 0, path);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(number_); }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

wick::StateDict make_tensors(std::int64_t count, std::int64_t elements) {
  wick::StateDict state;
  std::uint64_t bits = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    Tensor tensor = Tensor::empty({elements});
    auto* const data = static_cast<std::uint32_t*>(tensor.raw());
    for (std::int64_t k = 0; k < elements; ++k) {
      bits = bits * 6364136223846793005U + 1442695040888963407U;
      data[k] = static_cast<std::uint32_t>(bits >> 41) | 0x3F800000U;  // in [1, 2)
    }
    state.set("layers." + std::to_string(i) + ".weight", std::move(tensor));
  }
  return state;
}

void write_plainly(const wick::StateDict& state, const std::string& path, bool sync) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  std::string gathered;  // small tensors: as large writes as for large ones
  const auto write = [&file](const char* data, std::size_t bytes) {
    for (std::size_t done = 0; done < bytes;) {
      const ssize_t count =
          ::write(file.number(), data + done, std::min(kWriteBytes, bytes - done));
      require(count > 0, "write");
      done += static_cast<std::size_t>(count);
    }
  };
  for (const auto& [name, tensor] : state) {
    const auto* const data = static_cast<const char*>(tensor.raw());
    if (tensor.nbytes() >= kWriteBytes) {
      write(data, tensor.nbytes());
    } else {
      gathered.append(data, tensor.nbytes());
    }
  }
  write(gathered.data(), gathered.size());
  if (sync) require(::fsync(file.number()) == 0, "fsync");
}

void read_plainly(const std::string& path) {
  const Descriptor file(path, O_RDONLY);
  const off_t size = ::lseek(file.number(), 0, SEEK_END);
  const auto bytes = std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(size));
  for (off_t done = 0; done < size;) {
    const ssize_t count =
        ::pread(file.number(), bytes.get() + done,
                std::min(kWriteBytes, static_cast<std::size_t>(size - done)), done);
    require(count > 0, "read");
    done += count;
  }
}

void save_large(const std::string& path, std::int64_t count, std::int64_t elements) {
  const Tensor memory = Tensor::ones({elements});
  const std::shared_ptr<wick::Storage>& real = memory.storage();
  wick::StateDict state;
  for (std::int64_t i = 0; i < count; ++i) {
    auto storage =
        std::make_shared<wick::Storage>(real->data(), real->bytes(), real->backend(), real);
    state.set("layers." + std::to_string(i) + ".weight",
              Tensor(std::move(storage), wick::DType::float32, {elements}, {1}, 0));
  }
  state.set("bias", Tensor::ones({16}));
  wick::save(state, path, {.sync = false});
}

float touch_all(const wick::StateDict& state) {
  float sum = 0;
  for (const auto& [name, tensor] : state) {
    const float* const data = tensor.data<float>();
    for (std::int64_t i = 0; i < tensor.numel(); i += 1024) sum += data[i];
  }
  return sum;
}

// A field of /proc/self/status, in bytes.
std::uint64_t memory(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field)) return std::stoull(line.substr(field.size() + 1)) * 1024;
  }
  return 0;
}

class Commands {
 public:
  std::string run(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    std::string path;
    words >> command >> path;
    if (command == "make") {
      std::int64_t elements = 0;
      words >> elements;
      state_ = {};
      state_ = make_tensors(std::stoll(path), elements);
      std::uint64_t bytes = 0;
      for (const auto& [name, tensor] : state_) bytes += tensor.nbytes();
      return std::to_string(bytes);
    }
    if (command == "peak") return std::to_string(peak_);
    if (command == "large") {
      std::int64_t count = 0;
      std::int64_t elements = 0;
      words >> count >> elements;
      save_large(path, count, elements);
      return "0";
    }
    std::string name;
    words >> name;
    const auto start = std::chrono::steady_clock::now();
    wick::Value kept;  // so that freeing it is not timed
    if (command == "save" || command == "save_sync") {
      std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
      const std::uint64_t before = memory("VmRSS");
      wick::save(state_, path, {.sync = command == "save_sync"});
      peak_ = memory("VmHWM") - before;
    } else if (command == "write" || command == "write_sync") {
      write_plainly(state_, path, command == "write_sync");
    } else if (command == "load") {
      kept = wick::load(path);
    } else if (command == "read") {
      read_plainly(path);
    } else if (command == "load_into") {
      wick::CheckpointFile::open(path).load_into(state_);
    } else if (command == "open") {
      sum_ = sum_ + wick::CheckpointFile::open(path).tensor(name).data<float>()[0];
    } else if (command == "map") {
      sum_ =
          sum_ + touch_all(wick::StateDict::from_value(wick::CheckpointFile::open(path).value()));
    } else {
      throw std::runtime_error("unknown command " + command);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::ostringstream answer;
    answer << std::setprecision(6) << seconds.count();
    return answer.str();
  }

 private:
  wick::StateDict state_;
  std::uint64_t peak_ = 0;
  volatile float sum_ = 0;
};

}  // namespace

int main() {
  Commands commands;
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << commands.run(line) << std::endl;
    } catch (const std::exception& error) {
      std::cerr << "checkpoint_bench: " << line << ": " << error.what() << '\n';
      return 1;
    }
  }
}
