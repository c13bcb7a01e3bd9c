// SPDX-License-Identifier: MIT
#include "tests/simt/report.h"

#include <map>
#include <sstream>

#include <cxxabi.h>
#include <dlfcn.h>

#include "wick/core/error.h"

namespace wick::simt {
namespace {

// 0-31, 40: runs of thread numbers.
std::string ranges(const std::vector<unsigned>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[i]);
    if (end - i > 1) text.append("-").append(std::to_string(numbers[end - 1]));
    i = end;
  }
  return text;
}

std::string doing(const Thread& thread) {
  switch (thread.state) {
    case Thread::State::ready: return "can run";
    case Thread::State::done: return "returned";
    case Thread::State::at_block_barrier:
      return concat("at the block's barrier at ", place(thread.where));
    case Thread::State::at_group_barrier:
      return concat("at the grid's barrier at ", place(thread.where));
    case Thread::State::in_warp: break;
  }
  std::ostringstream mask;
  mask << std::hex << thread.mask;
  return concat("in a warp function with mask 0x", mask.str(), " at ", place(thread.where));
}

}  // namespace

std::string kernel_name(const void* kernel) {
  Dl_info info{};
  if (::dladdr(kernel, &info) == 0 || info.dli_sname == nullptr) {
    return concat("at ", kernel);
  }
  int status = 0;
  char* const readable = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
  std::string name = status == 0 ? readable : info.dli_sname;
  std::free(readable);
  return name;
}

std::string place(const Where& where) {
  return concat(where.file_name(), ":", where.line(), " (", where.function_name(), ")");
}

std::string kernel_and_block(const void* kernel, const Block& block) {
  return concat("kernel ", kernel_name(kernel), ", block (", block.index.x, ", ", block.index.y,
                ", ", block.index.z, ")");
}

std::string describe_deadlock(const void* kernel,
                              const std::vector<std::unique_ptr<Block>>& blocks) {
  for (const auto& block : blocks) {
    std::map<std::string, std::vector<unsigned>> groups;
    for (const Thread& thread : block->threads) groups[doing(thread)].push_back(thread.number);
    if (groups.size() == 1 && groups.begin()->first == "returned" && blocks.size() > 1) continue;
    std::string text =
        kernel_and_block(kernel, *block) + ": not all threads reach what some wait for";
    for (const auto& [what, numbers] : groups)
      text += concat("; threads ", ranges(numbers), ": ", what);
    return text;
  }
  return concat("kernel ", kernel_name(kernel), ": blocks wait for each other");
}

}  // namespace wick::simt
