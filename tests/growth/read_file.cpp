// SPDX-License-Identifier: MIT
// Reads one file by one reader of the library and says what that took, for growth.py:
//
//     growth_test READER FILE      prints "SECONDS BYTES SANITIZED OUTCOME"
//
// SECONDS are the processor's; BYTES is how far the resident memory rose at the peak; SANITIZED is
// 1 in a sanitizer's build; OUTCOME is "read", or "refused: " and the message. What is no Error of
// wick's ends the program.
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "serialize/legacy_reader.h"
#include "serialize/zip_reader.h"
#include "tests/memory_use.h"
#include "tests/sanitizers.h"
#include "tools/data/idx.h"
#include "tools/data/png_file.h"
#include "wick/core/error.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"
#include "wick/serialize/sharded.h"

namespace {

using namespace wick;
using Path = std::filesystem::path;

// What was read lives until all has been measured.
template <typename Read>
std::function<void(const Path&)> reader(Read read) {
  return [read](const Path& path) {
    using Result = decltype(read(path));
    static const Result* const kept = new Result(read(path));
    static_cast<void>(kept);
  };
}

const std::map<std::string, std::function<void(const Path&)>> kReaders = {
    {"load", reader([](const Path& path) { return load(path); })},
    {"load_any", reader([](const Path& path) { return load_any(path); })},
    {"load, placeholders",
     reader([](const Path& path) { return load(path, MapLocation(), {.placeholders = true}); })},
    {"CheckpointFile", reader([](const Path& path) { return CheckpointFile::open(path); })},
    {"CheckpointFile::value",
     reader([](const Path& path) { return CheckpointFile::open(path).value(); })},
    {"CheckpointFile, placeholders", reader([](const Path& path) {
       return CheckpointFile::open(path, MapLocation(), {.placeholders = true});
     })},
    {"LegacyFile", [](const Path& path) { new LegacyFile(path); }},
    {"SafetensorsFile", [](const Path& path) { new SafetensorsFile(path); }},
    {"load_safetensors", reader([](const Path& path) { return load_safetensors(path); })},
    {"NpyFile", [](const Path& path) { new NpyFile(path); }},
    {"load_npy", reader([](const Path& path) { return load_npy(path); })},
    {"NpzFile", [](const Path& path) { new NpzFile(path); }},
    {"load_npz", reader([](const Path& path) { return load_npz(path); })},
    {"read_shard_index", reader([](const Path& path) { return read_shard_index(path); })},
    {"ZipReader", [](const Path& path) { new ZipReader(*new InputFile(path)); }},
    {"IdxFile", reader([](const Path& path) { return tools::IdxFile(path).shape(); })},
    {"read_idx", reader([](const Path& path) { return tools::read_idx(path); })},
    {"read_png", reader([](const Path& path) { return tools::read_png(path); })},
};

}  // namespace

int main(int argc, char** argv) {
  const auto found = argc == 3 ? kReaders.find(argv[1]) : kReaders.end();
  if (found == kReaders.end()) {
    std::fputs("usage: growth_test READER FILE\nREADER is one of\n", stderr);
    for (const auto& [name, read] : kReaders) std::fprintf(stderr, "  %s\n", name.c_str());
    return 2;
  }
  std::string outcome = "read";
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak begins anew
  const std::uint64_t before = testing::memory_line("VmRSS");
  const std::clock_t start = std::clock();
  try {
    found->second(argv[2]);
  } catch (const Error& error) {
    outcome = std::string("refused: ") + error.what();
  }
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const std::uint64_t peak = testing::memory_line("VmHWM");
  std::printf("%.6f %llu %d %s\n", seconds,
              static_cast<unsigned long long>(peak > before ? peak - before : 0),
              testing::kSanitized ? 1 : 0, outcome.c_str());
  std::fflush(stdout);
  std::_Exit(0);  // what was read is not taken apart
}
