// SPDX-License-Identifier: MIT
// Files beside whose tensors lie objects that are not admitted (tests/fixtures/serialize/
// generate_foreign.py made them with PyTorch and NumPy), and hostile pickles of such objects.
#include "wick/core/placeholder.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "serialize/pickle_reader.h"
#include "tests/support.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"

namespace wick {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::expect_throw_with;
using testing::TempDir;

std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(WICK_FIXTURES) / "serialize" / name;
}

std::shared_ptr<Storage> no_storages(const StorageId& /*id*/, DType /*dtype*/) {
  throw ValueError("no storages here");
}

Value read(std::string_view pickle, ForeignObjects* found = nullptr) {
  ForeignObjects unused;
  return unpickle_value(pickle, "p", no_storages, pickle.size(), 0,
                        found == nullptr ? &unused : found);
}

const Placeholder& object_in(const Value& value, std::string_view type) {
  const Placeholder& placeholder = value.as_placeholder();
  EXPECT_EQ(placeholder.type, type);
  EXPECT_TRUE(placeholder.is_object);
  return placeholder;
}

Value part(const Value& value, std::string_view name) {
  for (const auto& [known, inner] : parts_of(value.as_placeholder())) {
    if (known == name) return inner;
  }
  ADD_FAILURE() << "no part is called " << name;
  return {};
}

void check_foreign(const Value& root) {
  EXPECT_EQ(root.at("state_dict").at("fc.weight").as_tensor().to_vector<float>(),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
  const Value& hyper = root.at("hyper_parameters");
  object_in(hyper, "lightning.fabric.utilities.data.AttributeDict");
  EXPECT_EQ(part(hyper, "lr").as_double(), 0.125);
  EXPECT_EQ(root.at("again").identity(), hyper.identity());
  EXPECT_EQ(part(root.at("args"), "epochs").as_int(), 3);
  EXPECT_EQ(part(root.at("config"), "_parent").identity(), root.at("config").identity());
  EXPECT_EQ(object_in(root.at("color"), "project.kinds.Color").arguments.at(0).as_int(), 1);
  EXPECT_EQ(root.at("by_color").at(root.at("color")).as_string(), "red");
  EXPECT_EQ(part(root.at("point"), "x").as_int(), 1);  // its state is a pair: no dict, but slots
  EXPECT_EQ(part(root.at("point"), "y").as_tensor().numel(), 2);
  const Placeholder& named = object_in(root.at("named"), "project.kinds.Named");
  EXPECT_EQ(named.arguments.at(1).as_string(), "two");
  EXPECT_EQ(named.keywords.at("three").as_int(), 3);
  const Placeholder& queue = object_in(root.at("queue"), "project.kinds.Queue");
  EXPECT_EQ(queue.items.size(), 2U);
  EXPECT_EQ(part(root.at("queue"), "limit").as_int(), 8);
  object_in(root.at("path"), "pathlib.PurePosixPath");
  object_in(root.at("when"), "datetime.datetime");
  EXPECT_EQ(root.at("function").as_placeholder().type, "posix.getcwd");
  EXPECT_FALSE(root.at("function").as_placeholder().is_object);
  EXPECT_EQ(root.at("type").as_placeholder().type, "builtins.int");
  EXPECT_TRUE(root.at("set").as_set().contains(root.at("color")));
  EXPECT_EQ(object_in(root.at("factory"), "collections.defaultdict").entries.at("k").as_int(), 1);
  const Placeholder& image = object_in(root.at("image"), "torchvision.tv_tensors._image.Image");
  EXPECT_EQ(image.arguments.at(0).as_tensor().shape(), (Dims{1, 2}));
  const Placeholder& sparse = object_in(root.at("sparse"), "torch._utils._rebuild_sparse_tensor");
  EXPECT_EQ(sparse.arguments.at(1).at_index(1).as_tensor().to_vector<float>(),
            std::vector<float>{7});
  EXPECT_EQ(part(root.at("module"), "_parameters").at("weight").as_tensor().shape(), (Dims{1, 2}));
  EXPECT_EQ(placeholders_in(root, 3).count, 19U);
  EXPECT_EQ(placeholders_in(root, 3).first.at(2).name, "args");
}

TEST(Placeholders, StandForObjectsOfOtherClasses) {
  for (const char* const name : {"foreign.pt", "foreign_protocol4.pt", "foreign_legacy.pt"}) {
    SCOPED_TRACE(name);
    const HeldValue root(load(fixture(name), {}, {.placeholders = true}));
    check_foreign(root.get());
    expect_throw_with<FormatError>([&] { static_cast<void>(load(fixture(name))); },
                                   "is not admitted");
    const HeldValue any(load_any(fixture(name), {}, {.placeholders = true}));
    EXPECT_EQ(any.get().as_dict().size(), 20U);
  }
}

TEST(Placeholders, AreInOpenedFilesToo) {
  const CheckpointFile file =
      CheckpointFile::open(fixture("foreign.pt"), {}, {.placeholders = true});
  const HeldValue tree(file.tree());  // the module in it contains itself
  EXPECT_EQ(file.tensor("state_dict.fc.bias").to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ(file.tensor("point.y").to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ(file.find("module._parameters.weight")->shape, (Dims{1, 2}));
  const HeldValue value(file.value());
  check_foreign(value.get());
  EXPECT_THROW(static_cast<void>(CheckpointFile::open(fixture("foreign.pt"))), FormatError);
}

TEST(Placeholders, CannotBeSaved) {
  const TempDir dir;
  const HeldValue root(load(fixture("foreign.pt"), {}, {.placeholders = true}));
  const auto refused = [&](const Value& value, const std::string& message) {
    expect_throw_with<ValueError>([&] { save(value, dir / "a.pt"); }, message);
    EXPECT_FALSE(std::filesystem::exists(dir / "a.pt"));
  };
  refused(root.get(),
          "\"hyper_parameters\" is a placeholder for an object of class "
          "lightning.fabric.utilities.data.AttributeDict");
  refused(List{{1, Dict{{"a", root.get().at("args")}}}}, "\"1.a\"");
  refused(root.get().at("by_color"), "\"<0>\"");
  refused(root.get().at("function"), "the value is a placeholder for posix.getcwd");
  Dict with_attributes(Dict::Type::ordered_dict);
  with_attributes.set_attributes(std::make_shared<Dict>(Dict{{"hook", root.get().at("args")}}));
  refused(with_attributes, "\"__dict__.hook\"");
  save(root.get().at("state_dict"), dir / "b.pt");
  EXPECT_EQ(load(dir / "b.pt").as_dict().size(), 2U);
}

void check_arrays(const Value& root, bool reconstructed) {
  const auto floats = [&root](const char* name) {
    return root.at(name).as_tensor().to(DType::float32).to_vector<float>();
  };
  const std::vector<float> six{0, 1, 2, 3, 4, 5};
  EXPECT_EQ(floats("float32"), six);
  EXPECT_EQ(floats("fortran"), six);
  EXPECT_EQ(root.at("fortran").as_tensor().shape(), (Dims{2, 3}));
  EXPECT_EQ(floats("big"), six);
  EXPECT_EQ(root.at("big").as_tensor().dtype(), DType::float64);
  EXPECT_EQ(root.at("again").identity(), root.at("float32").identity());
  EXPECT_EQ(root.at("int64").as_tensor().to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{1, -(std::int64_t{1} << 40)}));
  EXPECT_EQ(root.at("uint16").as_tensor().dtype(), DType::uint16);
  EXPECT_EQ(root.at("bool").as_tensor().dtype(), DType::boolean);
  EXPECT_EQ(root.at("complex").as_tensor().dtype(), DType::complex64);
  EXPECT_EQ(floats("half"), std::vector<float>{0.5F});
  EXPECT_EQ(root.at("empty").as_tensor().shape(), (Dims{0, 3}));
  EXPECT_EQ(root.at("point").as_tensor().shape(), Dims{});
  EXPECT_EQ(root.at("list"), Value(List{{0.5, 0.25, -3, true}}));
  EXPECT_EQ(root.at("list").at_index(3).kind(), Value::Kind::boolean);
  const std::vector<Value>& scalars = root.at("scalars").as_tuple();
  EXPECT_EQ(scalars.at(0).as_big_integer().to_string(), "18446744073709551615");
  EXPECT_EQ(scalars.at(1).as_complex(), std::complex<double>(1, -1));
  EXPECT_EQ(scalars.at(2).as_double(), 2.0);
  object_in(root.at("objects"), "numpy.ndarray");
  object_in(root.at("dates"), "numpy.ndarray");
  for (const char* const name : {"structure", "texts"}) {
    object_in(root.at(name), reconstructed ? "numpy.ndarray" : "numpy._core.numeric._frombuffer");
  }
  object_in(root.at("dtype"), "numpy.dtype");
  EXPECT_EQ(root.at("class").as_placeholder().type, "numpy.float32");
}

TEST(Placeholders, PlainArraysOfNumpyBecomeTensors) {
  for (const char* const name :
       {"foreign_arrays.pt", "foreign_arrays_legacy.pt", "foreign_arrays_protocol5.pt"}) {
    SCOPED_TRACE(name);
    ForeignObjects found;
    const HeldValue root(load(fixture(name), {}, {.placeholders = true, .found = &found}));
    check_arrays(root.get(), name != "foreign_arrays_protocol5.pt"sv);
    EXPECT_EQ(found.numpy_arrays, 10U);
    EXPECT_EQ(found.numpy_numbers, 7U);
    expect_throw_with<FormatError>([&] { static_cast<void>(load(fixture(name))); }, "numpy");
  }
  const CheckpointFile file =
      CheckpointFile::open(fixture("foreign_arrays.pt"), {}, {.placeholders = true});
  EXPECT_EQ(file.foreign_objects().numpy_arrays, 10U);
  EXPECT_EQ(file.tensor("big").to_vector<double>(), (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(file.find("float32")->device, "cpu");
  StateDict target;
  target.set("big", Tensor::zeros({2, 3}, DType::float32));
  file.load_into(target, {.prefix = "", .strict = false});
  EXPECT_EQ(target.at("big").to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

// What a damaged or malicious pickle may say of an array: nothing but a placeholder or an error.
TEST(Placeholders, ArraysThatDoNotFitStayPlaceholders) {
  const auto array = [](std::string_view shape, std::string_view code, std::string_view state) {
    return "\x80\x02"
           "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"
           "b\x87R(K\x01"s +
           std::string(shape) + "cnumpy\ndtype\nU\x02" + std::string(code) + "\x85R" +
           std::string(state) + "\x89U\x04" + "abcdtb.";
  };
  const std::string plain = "(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"s;
  EXPECT_EQ(read(array("K\x01\x85", "f4", plain)).as_tensor().numel(), 1);
  EXPECT_EQ(read(array("K\x01\x85", "f4", "")).as_tensor().numel(), 1);  // a dtype without state
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
  for (const std::string& shape :
       {"K\x02\x85"s, "J\xff\xff\xff\xff\x85"s, huge + "\x85", huge + huge + "\x86",
        "K\0"s + huge + huge + "\x87", "N"s, "U\x01x\x85"s, "K\x01"s}) {
    EXPECT_EQ(read(array(shape, "f4", plain)).kind(), Value::Kind::placeholder) << shape;
  }
  EXPECT_EQ(read(array("K\x01\x85", "O8", plain)).kind(), Value::Kind::placeholder);
  EXPECT_EQ(read(array("K\x01\x85", "f9", plain)).kind(), Value::Kind::placeholder);
}

TEST(Placeholders, OpcodesOfPython2sClasses) {
  const auto is_object = [](std::string_view pickle) {
    const Value value = read(pickle);
    const Placeholder& made = object_in(value, "mod.Old");
    ASSERT_EQ(made.arguments.size(), 2U);
    EXPECT_EQ(made.arguments[1].as_int(), 2);
  };
  is_object("\x80\x02(K\x01K\x02imod\nOld\n."sv);
  is_object("\x80\x02(cmod\nOld\nK\x01K\x02o."sv);
  is_object(
      "\x80\x02"
      "ccopy_reg\n__newobj__\ncmod\nOld\nK\x01K\x02\x87R."sv);
  is_object(
      "\x80\x02"
      "cmod\nOld\nK\x01K\x02\x86\x81."sv);
  is_object(
      "\x80\x04"
      "cmod\nOld\nK\x01K\x02\x86}\x92."sv);
  EXPECT_EQ(object_in(read("\x80\x02"
                           "ccopy_reg\n_reconstructor\ncmod\nOld\nc__builtin__\nobject\nN\x87R."sv),
                      "mod.Old")
                .arguments.size(),
            0U);
  // Python 2's str that is no text.
  EXPECT_EQ(read("\x80\x02U\x02\xff\xfe."sv).as_bytes().data, "\xff\xfe");
  // The class behind the id of a whole module; other ids are kept.
  EXPECT_EQ(read("\x80\x02(U\x06modulecmod\nNet\nNNtQ."sv).as_placeholder().type, "mod.Net");
  EXPECT_EQ(read("\x80\x02K\x05Q."sv).as_placeholder().arguments.at(0).as_int(), 5);
}

TEST(Placeholders, WhatIsNoObjectIsRefused) {
  const auto refused = [](std::string_view pickle, const std::string& message) {
    expect_throw_with<FormatError>([&] { static_cast<void>(read(pickle)); }, message);
  };
  refused("\x80\x02\x82\x01."sv, "extension codes");
  refused("\x80\x02\x84\x01\0\0\0."sv, "extension codes");
  refused("\x80\x02K\x01)R."sv, "what is called is no function");
  refused(
      "\x80\x02"
      "cmod\nA\nK\x01R."sv,
      "no tuple");
  refused(
      "\x80\x02"
      "cmod\nA\n)NR."sv,
      "no tuple");
  refused(
      "\x80\x02"
      "cmod\nA\n)\x81]K\x01s."sv,
      "not hashable");  // a list as a key
  refused(
      "\x80\x02"
      "cmod\n\xff\n."sv,
      "not valid UTF-8");
  refused(
      "\x80\x02(U\x07storagectorch\nFloatStorage\nU\x01"
      "0U\x03"
      "cpuJ\xff\xff\xff\xfftQ."sv,
      "a storage of -1 elements");
  // Without placeholders the same opcodes stay what they were: not admitted.
  for (const std::string_view pickle :
       {"\x80\x02(imod\nOld\n."sv, "\x80\x02(cmod\nOld\no."sv, "\x80\x04K\x01)}\x92."sv}) {
    EXPECT_THROW(static_cast<void>(unpickle_value(pickle, "p", no_storages)), FormatError);
  }
}

TEST(Placeholders, EverythingCanBeDoneToThem) {
  // Set items, append, add, build, all on one object; the object among its own parts; as a key.
  const HeldValue held(
      read("\x80\x04"
           "cmod\nA\n)\x81\x94"
           "K\x01h\0s"  // [1] = itself
           "h\0h\0s"    // [itself] = itself
           "(K\x02K\x03"
           "e"                // extend
           "(h\0\x90"         // add itself
           "}h\0h\0sb."sv));  // state {itself: itself}
  const Placeholder& made = object_in(held.get(), "mod.A");
  EXPECT_EQ(made.entries.size(), 2U);
  EXPECT_EQ(made.items.size(), 3U);
  EXPECT_EQ(made.state.as_dict().size(), 1U);
  EXPECT_EQ(made.entries.at(held.get()).identity(), held.get().identity());
  EXPECT_FALSE(held.get() == read("\x80\x02"
                                  "cmod\nA\n)\x81."sv));
  EXPECT_EQ(parts_of(made).size(), 6U);
  EXPECT_EQ(placeholders_in(held.get(), 9).count, 1U);
}

// An array that is a key, and one behind a NaN: nothing is looked up that is not there.
TEST(Placeholders, UnusualKeysAreHarmless) {
  const std::string array =
      "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01"
      "b\x87R(K\x01K\x01\x85"
      "cnumpy\ndtype\nU\x02i1\x85R\x89U\x01"
      "atb"s;
  const std::string text = "\x80\x02}" + array + "q\0K\x01sG\x7f\xf8\0\0\0\0\0\0h\0sh\0\x85h\0s."s;
  const Value value = read(text);
  ASSERT_EQ(value.as_dict().size(), 3U);
  const auto second = std::next(value.as_dict().begin());
  EXPECT_EQ(second->second.as_tensor().dtype(), DType::int8);
}

TEST(Placeholders, DamagedFilesNeverDoMoreThanFail) {
  std::mt19937 random(7);  // NOLINT: the same damage each time
  for (const char* const name : {"foreign_legacy.pt", "foreign_arrays_legacy.pt"}) {
    std::ifstream file(fixture(name), std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(file)), {});
    const TempDir dir;
    for (int i = 0; i < 300; ++i) {
      std::string damaged = whole;
      for (int flips = 0; flips < 3; ++flips) {
        damaged[random() % damaged.size()] = static_cast<char>(random());
      }
      testing::write_file(dir / "d.pt", damaged);
      try {
        const HeldValue value(load(dir / "d.pt", {}, {.placeholders = true}));
        static_cast<void>(placeholders_in(value.get(), 5));
      } catch (const Error&) {
        continue;
      }
    }
  }
}

// A tuple of a thousand numbers, the arguments of a million calls.
TEST(Placeholders, WorkIsBounded) {
  std::string pickle =
      "\x80\x02"
      "cmod\nA\nq\0("s;
  for (int i = 0; i < 1000; ++i) pickle += "K\x01";
  pickle +=
      "tq\x01"
      "0]";
  for (int i = 0; i < 200000; ++i) pickle += "h\0h\x01R0"s;
  expect_throw_with<FormatError>([&] { static_cast<void>(read(pickle + ".")); },
                                 "out of all proportion");
}

}  // namespace
}  // namespace wick
