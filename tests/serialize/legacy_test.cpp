// SPDX-License-Identifier: MIT
// The format of PyTorch before 1.6, from files made here byte by byte. fixtures_test.cpp has those
// of PyTorch itself.
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "serialize/byte_writer.h"
#include "serialize/legacy_reader.h"
#include "serialize/pickle_extent.h"
#include "serialize/pickle_writer.h"
#include "tests/support.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

using namespace std::string_literals;

// A file in parts, so that a test can put another part in one's place.
struct Parts {
  std::string magic = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."s;
  std::string version = "\x80\x02M\xe9\x03."s;
  std::string system = pickle_value(Dict{{"little_endian", true}}).bytes;
  std::string value;
  List keys;
  std::vector<std::string> storages;  // with the count of elements in front

  // Of a value whose tensors are of float32.
  explicit Parts(const Value& content) {
    const Pickled pickled = pickle_value(content);
    value = pickled.bytes;
    for (std::size_t i = 0; i < pickled.storages.size(); ++i) {
      keys.items.emplace_back(std::to_string(i));
      const Storage& storage = *pickled.storages[i];
      storages.push_back(counted(storage.bytes() / 4,
                                 {static_cast<const char*>(storage.data()), storage.bytes()}));
    }
  }
  static std::string counted(std::uint64_t count, std::string_view bytes) {
    ByteWriter out;
    out.write(count);
    out.bytes(bytes);
    return out.release();
  }
  [[nodiscard]] std::string bytes() const {
    std::string all = magic + version + system + value + pickle_value(keys).bytes;
    for (const std::string& storage : storages) all += storage;
    return all;
  }
};

class Legacy : public ::testing::Test {
 protected:
  [[nodiscard]] Value load_bytes(const std::string& bytes, const MapLocation& where = {}) const {
    // A new file each time: writing over one waits for the disk.
    std::filesystem::remove(directory_ / "old.pt");
    testing::write_file(directory_ / "old.pt", bytes);
    return load(directory_ / "old.pt", where);
  }
  void refuse(const Parts& parts, const std::string& message) const {
    testing::expect_throw_with<FormatError>([&] { static_cast<void>(load_bytes(parts.bytes())); },
                                            message);
  }

 private:
  testing::TempDir directory_;
};

Value two_tensors() {
  const Tensor base = Tensor::arange(6, DType::float32).view({2, 3});
  return Dict{{"a", base}, {"t", base.transpose(0, 1)}, {"b", Tensor::ones({2})}};
}

TEST_F(Legacy, TensorsAndTheirSharingComeBack) {
  const Value value = two_tensors();
  const Value back = load_bytes(Parts(value).bytes());
  EXPECT_TRUE(back == value);
  EXPECT_EQ(back.at("a").as_tensor().storage(), back.at("t").as_tensor().storage());
  EXPECT_EQ(back.at("t").as_tensor().strides(), (Dims{1, 3}));
}

TEST_F(Legacy, MapLocationMetaLeavesTheElementsOut) {
  const Value back = load_bytes(Parts(two_tensors()).bytes(), kMeta);
  EXPECT_EQ(back.at("t").as_tensor().device(), kMeta);
  EXPECT_EQ(back.at("t").as_tensor().shape(), (Dims{3, 2}));
}

TEST_F(Legacy, LongPicklesAreFoundToTheirEnd) {
  List list;
  for (int i = 0; i < 200'000; ++i) list.items.emplace_back(i);
  const Value value = Dict{{"list", std::move(list)}, {"x", Tensor::ones({2})}};
  EXPECT_TRUE(load_bytes(Parts(value).bytes()) == value);
}

TEST_F(Legacy, PartsThatLieAreNamed) {
  const Parts good(two_tensors());
  Parts bad = good;
  bad.version = "\x80\x02M\xea\x03."s;
  refuse(bad, "the protocol version, offset 15: it is not that of torch.save");
  bad = good;
  bad.storages[1].pop_back();
  refuse(bad, "storage 1, offset ");
  bad.storages.pop_back();
  refuse(bad, "beyond the end of the file");
  bad = good;
  bad.storages[0][0] = 7;
  refuse(bad, "it counts 7 elements, but its tensors 6");
  bad = good;
  bad.keys = List{{"0"}};
  refuse(bad, "storage 1, which a tensor lies in, is missing");
  bad.keys = List{{"0", "1", "2"}};
  refuse(bad, "it names a storage that no tensor lies in");
  bad.keys = List{{"0", "0"}};
  refuse(bad, "storage 0, offset ");
  bad.keys = List{{0, 1}};
  refuse(bad, "it names a storage that no tensor lies in");
  bad = good;
  bad.system = "\x80\x02\x58"s;
  refuse(bad, "the system's information, offset 28: needs 1904018048 more");
}

// As torch.load: torch.save may have written several values to one open file.
TEST_F(Legacy, BytesBehindTheLastStorageArePassedOver) {
  const Value value = two_tensors();
  const std::string good = Parts(value).bytes();
  EXPECT_TRUE(load_bytes(good + "!") == value);
  EXPECT_TRUE(load_bytes(good + good) == value);
}

TEST_F(Legacy, StoragesMustFitTheFile) {
  Parts bad(two_tensors());
  const std::size_t at = bad.value.find("cpu");
  const std::string count = "K\x06"s;
  const std::size_t place = bad.value.find(count, at);
  bad.value.replace(place, 2, "J\xff\xff\xff\x7f"s);
  refuse(bad, "storage 0 of 2147483647 elements does not fit the file");
}

TEST_F(Legacy, ForbiddenGlobalsAreNamedWithTheirPlace) {
  Parts bad(two_tensors());
  bad.value =
      "\x80\x02"
      "cos\nsystem\nX\x02\0\0\0ls\x85R."s;
  const std::size_t offset = bad.magic.size() + bad.version.size() + bad.system.size() + 2;
  refuse(bad, concat("the value, offset ", offset, ": the global \"os\" \"system\""));
  bad.value = "\x80\x02(X\x06\0\0\0modulecmodels\nNet\nNNtQ."s;
  refuse(bad, "the global \"models\" \"Net\" is not admitted");
  bad.value = "\x80\x02(X\x06\0\0\0moduleNNNtQ."s;
  refuse(bad, "save module.state_dict() instead");
}

// As PyTorch 0.3 in Python 2 wrote it: byte strings, _rebuild_tensor, and a view of a storage.
std::string old_tensor(int view_offset, int view_count, int size) {
  const auto byte = [](int value) { return "K"s + static_cast<char>(value); };
  return "\x80\x02"
         "ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\nU\x01"
         "0U\x03"
         "cpu" +
         byte(6) + "U\x01v" + byte(view_offset) + byte(view_count) + "\x87tQK\x01" + byte(size) +
         "\x85K\x01\x85tR.";
}

TEST_F(Legacy, ViewsOfStoragesAsOldFilesHaveThem) {
  Parts old(Tensor::arange(6, DType::float32));
  old.value = old_tensor(2, 4, 3);
  const Value back = load_bytes(old.bytes());
  EXPECT_EQ(back.as_tensor().to_vector<float>(), (std::vector<float>{3, 4, 5}));
  old.value = old_tensor(2, 4, 4);
  refuse(old, "reaches outside a view of 4 elements");
  old.value = old_tensor(2, 5, 3);
  refuse(old, "a view of 5 elements at 2 lies outside its storage of 6");
}

TEST_F(Legacy, StoragesAreValuesToo) {
  const Tensor base = Tensor::arange(6, DType::float32);
  const Value back =
      load_bytes(Parts(List{{base[1], StorageObject{base.storage(), DType::float32}}}).bytes());
  EXPECT_EQ(back.at_index(1).as_storage().storage, back.at_index(0).as_tensor().storage());
  EXPECT_EQ(back.at_index(1).as_storage().tensor().to_vector<float>(),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
  // The whole of one, by a view of all its elements; a part of one.
  const auto view = [](char count) {
    return "\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\nU\x01"
           "0U\x03"
           "cpuK\x06U\x01vK\0K"s +
           count + "\x87tQ.";
  };
  Parts old(base);
  old.value = view(6);
  EXPECT_EQ(load_bytes(old.bytes()).as_storage().tensor().numel(), 6);
  old.value = view(5);
  refuse(old, "a storage that is a part of another one");
}

// Two tensors over storage 0, each with metadata.
std::string lazy_pair(const std::string& first_class, const std::string& first,
                      const std::string& second) {
  const auto tensor = [](const std::string& type, const std::string& metadata) {
    return "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n"s + type +
           "\nX\x01\0\0\0000X\x03\0\0\0cpuK\x04NtQK\0K\x04\x85K\x01\x85\x89}}"s + metadata + "tR";
  };
  return "\x80\x02](" + tensor(first_class, first) + tensor("FloatStorage", second) + "e.";
}

TEST_F(Legacy, LazyViewsAreResolved) {
  const std::string neg = "X\x03\0\0\0neg\x88s"s;
  Parts parts(Tensor::arange(4, DType::float32));
  parts.value = lazy_pair("FloatStorage", neg, "");
  const Value back = load_bytes(parts.bytes());
  EXPECT_EQ(back.at_index(0).as_tensor().to_vector<float>(),
            (std::vector<float>{-0.F, -1, -2, -3}));
  EXPECT_EQ(back.at_index(1).as_tensor().to_vector<float>(), (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(load_bytes(parts.bytes(), kMeta).at_index(0).as_tensor().device(), kMeta);
  parts.value = lazy_pair("FloatStorage", neg, neg);
  const Value pair = load_bytes(parts.bytes());
  EXPECT_EQ(pair.at_index(0).as_tensor().storage(), pair.at_index(1).as_tensor().storage());
  parts.value = lazy_pair("IntStorage", neg, neg);
  refuse(parts, "views of int32 and of float32 share storage 0");
}

TEST_F(Legacy, TruncatedAnywhereItIsAnError) {
  const std::string bytes = Parts(two_tensors()).bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(static_cast<void>(load_bytes(bytes.substr(0, size))), FormatError) << size;
  }
}

TEST_F(Legacy, AnyBitFlippedIsAnErrorOrAValue) {
  const std::string bytes = Parts(Dict{{"x", Tensor::ones({2})}, {"n", List{{1, "text"}}}}).bytes();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      try {
        take_apart(load_bytes(damaged));
      } catch (const Error&) {
      }
    }
  }
}

TEST(PickleExtent, EndsBehindStop) {
  const std::string pickle = pickle_value(two_tensors()).bytes;
  EXPECT_EQ(pickle_extent(pickle + "more..."), pickle.size());
  EXPECT_EQ(pickle_extent("\x80\x04\x95\x01\0\0\0\0\0\0\0N.."s), 13u);
  // Stops inside operands do not count.
  EXPECT_EQ(pickle_extent("\x80\x02X\x02\0\0\0...."s), 10u);
  for (std::size_t size = 0; size < pickle.size(); ++size) {
    EXPECT_EQ(pickle_extent(pickle.substr(0, size)), std::nullopt);
  }
  EXPECT_EQ(pickle_extent("\x8e\xff\xff\xff\xff\xff\xff\xff\xff."s), std::nullopt);
  EXPECT_EQ(pickle_extent("\x80\x02I12.\n."), 8U);
  EXPECT_EQ(pickle_extent("\x80\x02I12."), std::nullopt);
  EXPECT_THROW(static_cast<void>(pickle_extent("P.")), ValueError);
}

}  // namespace
}  // namespace wick
