// SPDX-License-Identifier: MIT
// ckpt with files that hold more than tensors, or other tensors than the target can hold.
#include <complex>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serialize/zip_writer.h"
#include "tests/support.h"
#include "tests/tools/process.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

namespace wick::testing {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class CkptForeign : public ::testing::Test {
 protected:
  [[nodiscard]] std::string at(const std::string& name) const { return (dir_ / name).string(); }
  [[nodiscard]] static std::string fixture(const std::string& name) {
    return (std::filesystem::path(WICK_FIXTURES) / "serialize" / name).string();
  }
  [[nodiscard]] ProcessResult ckpt(const std::vector<std::string>& arguments) const {
    return run("ckpt", arguments, dir_.path());
  }
  std::string good(const std::vector<std::string>& arguments, const std::string& note = "") const {
    const ProcessResult result = ckpt(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr(note));
    EXPECT_EQ(result.err.empty(), note.empty()) << result.err;
    return result.out;
  }
  void refused(const std::vector<std::string>& arguments, const std::string& message) const {
    const ProcessResult result = ckpt(arguments);
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, HasSubstr(message));
  }

  TempDir dir_;
};

TEST_F(CkptForeign, EverythingElseIsShown) {
  for (const char* const name : {"foreign.pt", "foreign_legacy.pt", "foreign_protocol4.pt"}) {
    const std::string list = good({"ls", fixture(name)});
    EXPECT_THAT(list, HasSubstr("state_dict.fc.weight"));
    EXPECT_THAT(list, HasSubstr("module._parameters.weight"));
    EXPECT_THAT(list, HasSubstr("19 values are placeholders"));
    EXPECT_THAT(list, HasSubstr("\"args\" (argparse.Namespace)"));
    const std::string tree = good({"show", fixture(name)});
    EXPECT_THAT(tree, HasSubstr("args: argparse.Namespace object with 2 values"));
    EXPECT_THAT(tree, HasSubstr("epochs: 3"));
    EXPECT_THAT(tree, HasSubstr("project.kinds.Color object: \"red\""));
    EXPECT_EQ(good({"show", fixture(name), "hyper_parameters.lr"}), "0.125\n");
    EXPECT_THAT(good({"verify", fixture(name)}), HasSubstr("19 values are placeholders"));
    EXPECT_THAT(good({"diff", fixture(name), fixture("foreign.pt")}), HasSubstr("the same"));
  }
  const auto json = nlohmann::json::parse(good({"ls", "--json", fixture("foreign.pt")}));
  EXPECT_EQ(json.at("placeholders").at(2).at("class"), "argparse.Namespace");
  EXPECT_EQ(json.at("total").at("placeholders"), 19);
}

TEST_F(CkptForeign, PartsWithoutPlaceholdersAreConverted) {
  refused({"convert", fixture("foreign.pt"), at("a.pt")},
          "\"hyper_parameters\" is a placeholder for an object of class "
          "lightning.fabric.utilities.data.AttributeDict, which wick does not have; there are 18 "
          "more; convert a part without it by --root NAME");
  EXPECT_FALSE(std::filesystem::exists(at("a.pt")));
  for (const char* const name : {"foreign.pt", "foreign_legacy.pt"}) {
    good({"convert", fixture(name), at("a.pt"), "--root", "state_dict"});
    EXPECT_EQ(load(at("a.pt")).at("fc.bias").as_tensor().to_vector<float>(),
              (std::vector<float>{1, 1}));
    good({"convert", fixture(name), at("b.safetensors")}, "left out");
    EXPECT_TRUE(load_safetensors(at("b.safetensors")).contains("module._parameters.weight"));
    good({"extract", fixture(name), "point.y", at("y.npy")});
    EXPECT_EQ(load_npy(at("y.npy")).numel(), 2);
  }
}

TEST_F(CkptForeign, ArraysOfNumpyAreTensors) {
  const std::string arrays = fixture("foreign_arrays.pt");
  EXPECT_THAT(good({"ls", arrays}),
              HasSubstr("10 NumPy arrays are read as tensors, 7 NumPy scalars as numbers"));
  good({"convert", arrays, at("a.pt"), "--root", "fortran"}, "10 NumPy arrays");
  EXPECT_EQ(load(at("a.pt")).as_tensor().to(kCpu).contiguous().to_vector<float>(),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
  good({"convert", arrays, at("h.pt"), "--root", "big", "--dtype", "float16"}, "10 NumPy arrays");
  EXPECT_EQ(load(at("h.pt")).as_tensor().dtype(), DType::float16);
  EXPECT_THAT(good({"diff", arrays, fixture("foreign_arrays_legacy.pt")}), HasSubstr("the same"));
}

TEST_F(CkptForeign, WhatConversionsLoseIsCounted) {
  const Tensor small = Tensor::from({1e-9F, 0.0F, 0.5F, 1e6F, -1e-10F});
  save(Dict{{"opt", Dict{{"exp_avg_sq", small}}}, {"w", Tensor::ones({2}, DType::float32)}},
       at("a.pt"));
  for (const char* const out : {"b.pt", "b.safetensors", "b.npz"}) {
    good({"convert", at("a.pt"), at(out), "--dtype", "float16"},
         "ckpt: note: in float16, of the 5 values of \"opt.exp_avg_sq\" 2 became 0, 1 became "
         "infinite or NaN\n");
  }
  good({"convert", at("a.pt"), at("b.pt"), "--dtype", "bfloat16"});
  good({"extract", at("a.pt"), "opt.exp_avg_sq", at("c.npy"), "--dtype", "float16"}, "2 became 0");
}

TEST_F(CkptForeign, ExtractWritesOnlyTheElementsOfAView) {
  const Tensor base = Tensor::arange(1 << 16, DType::float32);
  const Tensor matrix = base.view({256, 256});
  save(Dict{{"all", base},
            {"row", base.slice(0, 100, 110)},
            {"column", matrix.slice(1, 3, 4)},
            {"pair", List{{base.slice(0, 10, 14), base.slice(0, 12, 16)}}},
            {"expanded", Tensor(base.storage(), DType::float32, {1 << 20}, {0}, 5)},
            {"turned", matrix.transpose(0, 1)}},
       at("a.pt"));
  const auto extracted = [&](const std::string& name, std::size_t most) {
    good({"extract", at("a.pt"), name, at("b.pt")});
    EXPECT_LE(std::filesystem::file_size(at("b.pt")), most + 2000) << name;
    return load(at("b.pt"));
  };
  EXPECT_EQ(extracted("row", 40).as_tensor().to_vector<float>().at(9), 109);
  EXPECT_EQ(extracted("column", 1024).as_tensor().contiguous().to_vector<float>().at(2),
            2 * 256 + 3);
  const Value pair = extracted("pair", 24);
  EXPECT_EQ(pair.at_index(0).as_tensor().storage(), pair.at_index(1).as_tensor().storage());
  EXPECT_EQ(pair.at_index(0).as_tensor().to_vector<float>(), (std::vector<float>{10, 11, 12, 13}));
  EXPECT_EQ(pair.at_index(1).as_tensor().to_vector<float>(), (std::vector<float>{12, 13, 14, 15}));
  EXPECT_EQ(extracted("expanded", 4).as_tensor().strides(), Dims{0});
  EXPECT_EQ(extracted("turned", 1 << 18).as_tensor().strides(), (Dims{1, 256}));
  good({"convert", at("a.pt"), at("b.pt"), "--only", "row"});
  EXPECT_LE(std::filesystem::file_size(at("b.pt")), 2040U);
  // The whole tree keeps its storages as they are.
  good({"convert", at("a.pt"), at("c.pt")});
  const Value whole = load(at("c.pt"));
  EXPECT_EQ(whole.at("row").as_tensor().storage(), whole.at("all").as_tensor().storage());
}

TEST_F(CkptForeign, TolerancesHoldForFloatsInTheTree) {
  const auto write = [&](const char* name, double lr, Value steps) {
    save(Dict{{"lr", lr}, {"steps", std::move(steps)}, {"z", std::complex<double>(lr, 1)}},
         at(name));
  };
  write("a.pt", 0.1, 1000);
  write("b.pt", 0.1 * (1 + 1e-7), 1000);
  write("c.pt", 0.1, 1001);
  const std::vector<std::string> close = {"diff", at("a.pt"), at("b.pt"), "--rtol", "1e-6"};
  EXPECT_THAT(good(close), HasSubstr("the same"));
  EXPECT_EQ(ckpt({"diff", at("a.pt"), at("b.pt")}).status, 1);
  EXPECT_EQ(ckpt({"diff", at("a.pt"), at("b.pt"), "--rtol", "1e-9"}).status, 1);
  EXPECT_EQ(ckpt({"diff", at("a.pt"), at("b.pt"), "--atol", "1e-6"}).status, 0);
  EXPECT_EQ(ckpt({"diff", at("a.pt"), at("c.pt"), "--rtol", "0.1"}).status, 1);  // ints are exact
  write("i.pt", std::numeric_limits<double>::infinity(), 1000);
  EXPECT_EQ(ckpt({"diff", at("a.pt"), at("i.pt"), "--rtol", "0.1"}).status, 1);
  EXPECT_EQ(ckpt({"diff", at("i.pt"), at("i.pt")}).status, 0);
}

TEST_F(CkptForeign, MetadataIsKeptOrMentioned) {
  StateDict state;
  state.set("a", Tensor::ones({2}, DType::float32));
  save_safetensors(state, at("a.safetensors"), {{"format", "pt"}, {"author", "me"}, {"step", "7"}});
  good({"convert", at("a.safetensors"), at("b.safetensors"), "--dtype", "float16"});
  EXPECT_EQ(SafetensorsFile(at("b.safetensors")).metadata().size(), 3U);
  for (const char* const out : {"b.pt", "b.npz", "b.npy"}) {
    good({"convert", at("a.safetensors"), at(out)}, "left out: author, step\n");
  }
  save_safetensors(state, at("p.safetensors"), {{"format", "pt"}});
  good({"convert", at("p.safetensors"), at("b.pt")});
  std::ofstream(at("i.index.json")) << R"({"weight_map": {"a": "a.safetensors"}})";
  good({"convert", at("i.index.json"), at("c.safetensors")});
  EXPECT_EQ(SafetensorsFile(at("c.safetensors")).metadata().size(), 3U);
}

TEST_F(CkptForeign, OtherArraysInNpzHideNothing) {
  const auto header = [](const std::string& descr) {
    std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (1,), }";
    text.append(117 - text.size(), ' ');
    return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(118) + std::string(1, '\0') + text +
           '\n';
  };
  std::string archive;
  ZipWriter zip([&archive](std::string_view piece) { archive.append(piece); }, "");
  zip.add("texts.npy", header("<U1") + "a\0\0"s + '\0');
  zip.add("w.npy", header("<f4") + std::string(4, '\0'));
  zip.finish();
  write_file(at("a.npz"), archive);
  EXPECT_THAT(good({"ls", at("a.npz")}), HasSubstr("1 value is a placeholder"));
  EXPECT_THAT(good({"ls", at("a.npz")}), HasSubstr("w     float32"));
  EXPECT_THAT(good({"verify", at("a.npz")}), HasSubstr("CRC-32 of 2 records"));
  good({"convert", at("a.npz"), at("w.safetensors")}, "left out: texts");
  EXPECT_TRUE(load_safetensors(at("w.safetensors")).contains("w"));
}

TEST_F(CkptForeign, RemediesAreThisProgramsOptions) {
  save(Dict{{"a", Tensor::ones({1}, DType::bfloat16)}}, at("b.pt"));
  const ProcessResult result = ckpt({"convert", at("b.pt"), at("b.npz")});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("--dtype float32"));
  EXPECT_THAT(result.err, Not(HasSubstr("Tensor::to")));
}

// The file's storages pass through memory one after the other.
TEST_F(CkptForeign, ConversionsHoldOneStorageAtATime) {
  constexpr std::int64_t kStorages = 10;
  constexpr std::int64_t kMiB = 8;
  {
    Dict dict;
    for (std::int64_t i = 0; i < kStorages; ++i) {
      dict.set(std::to_string(i), Tensor::full({kMiB << 18}, 1.0, DType::float32));
    }
    save(dict, at("a.pt"), {.sync = false});
  }
  const auto peak_of = [&](const std::vector<std::string>& arguments) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string path = std::string(WICK_BIN) + "/ckpt";
      std::vector<char*> argv = {const_cast<char*>(path.c_str())};
      for (const std::string& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
      argv.push_back(nullptr);
      static_cast<void>(std::freopen("/dev/null", "w", stdout));
      // AddressSanitizer otherwise keeps what has been freed.
      ::setenv("ASAN_OPTIONS", "quarantine_size_mb=0:thread_local_quarantine_size_kb=0", 1);
      ::execv(path.c_str(), argv.data());
      ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    ::wait4(child, &status, 0, &usage);
    EXPECT_EQ(status, 0);
    return usage.ru_maxrss >> 10;  // MiB
  };
  const long idle =
      peak_of({"convert", at("a.pt"), at("b.npy"), "--only", "0", "--dtype", "float16"});
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"convert", at("a.pt"), at("b.pt")},
           {"convert", at("a.pt"), at("h.pt"), "--dtype", "float16"},
           {"convert", at("a.pt"), at("b.safetensors"), "--dtype", "float16"},
           {"convert", at("h.pt"), at("c.pt"), "--dtype", "float32"}}) {
    EXPECT_LE(peak_of(arguments), idle + 3 * kMiB) << arguments[1] << ' ' << arguments[2];
  }
  EXPECT_EQ(load(at("c.pt")).at("9").as_tensor().to_vector<float>().back(), 1.0F);
}

}  // namespace
}  // namespace wick::testing
