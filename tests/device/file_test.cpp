// SPDX-License-Identifier: MIT
// Checkpoints from and to a device: the same bits, and the device's name as PyTorch writes it.
#include "tests/device/small_training.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/serialize/background_saver.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

using testing::kCuda;
using testing::kSecondCuda;
using testing::OnDevice;
using testing::OnTwoDevices;
using testing::SmallTraining;
using testing::TempDir;

using Files = OnDevice;

TEST_F(Files, SavedThereLoadedAnywhere) {
  const TempDir dir;
  const auto path = dir / "model.pt";
  Generator generator(4);
  // Larger than a piece of the transfers, and one that shares a storage.
  const Tensor large = Tensor::normal({1300, 1001}, 0, 1, generator);
  const Tensor there = large.to(kCuda);
  save(Dict{{"large", there}, {"row", there[3]}}, path);
  const Value back = load(path);
  EXPECT_EQ(back.at("large").as_tensor().device(), kCuda);
  EXPECT_EQ(back.at("row").as_tensor().storage(), back.at("large").as_tensor().storage());
  EXPECT_TRUE(bitwise_equal(back.at("large").as_tensor(), large));
  const Value here = load(path, kCpu);
  EXPECT_EQ(here.at("large").as_tensor().device(), kCpu);
  EXPECT_TRUE(bitwise_equal(here.at("large").as_tensor(), large));
  EXPECT_TRUE(bitwise_equal(here.at("row").as_tensor(), large[3]));
}

TEST_F(Files, SavedHereLoadedThere) {
  const TempDir dir;
  const auto path = dir / "model.pt";
  Generator generator(4);
  const Tensor x = Tensor::normal({300, 7}, 0, 1, generator);
  save(Dict{{"x", x}, {"t", x.transpose(0, 1)}}, path);
  const Value there = load(path, kCuda);
  EXPECT_EQ(there.at("x").as_tensor().device(), kCuda);
  EXPECT_TRUE(bitwise_equal(there.at("x").as_tensor(), x));
  EXPECT_TRUE(bitwise_equal(there.at("t").as_tensor(), x.transpose(0, 1)));
  EXPECT_TRUE(bitwise_equal(load(path, "cuda").at("x").as_tensor(), x));
}

TEST_F(Files, TrainingGoesOnOnAnotherDevice) {
  const TempDir dir;
  const auto path = dir / "run.pt";
  SmallTraining there(kCuda, "adam");
  for (int i = 0; i < 3; ++i) {
    there.compute();
    there.update();
  }
  save(
      Dict{{"model", there.model.state_dict().to_value()}, {"opt", there.optimizer().state_dict()}},
      path);
  SmallTraining here(kCpu, "adam");
  SmallTraining again(kCuda, "adam");
  for (SmallTraining* const training : {&here, &again}) {
    const Value checkpoint = load(path, kCpu);
    training->model.load_state_dict(StateDict::from_value(checkpoint.at("model")));
    training->optimizer().load_state_dict(checkpoint.at("opt"));
  }
  for (SmallTraining* const training : {&there, &here, &again}) {
    training->rewind();
    training->optimizer().set_lr(0.01);
    training->compute();
    training->optimizer().step();
  }
  const Tensor expected = there.model.parameters()[0]->value;
  EXPECT_TRUE(bitwise_equal(again.model.parameters()[0]->value, expected));
  testing::expect_near(here.model.parameters()[0]->value, expected, 1e-5);
}

TEST_F(Files, SavedWhileTrainingGoesOn) {
  const TempDir dir;
  SmallTraining training(kCuda, "adam");
  const auto recording = backend_for(kCuda).record(training.recorded_step());
  recording->replay(2);
  const Value state = Dict{{"model", training.model.state_dict().to_value()},
                           {"opt", training.optimizer().state_dict()}};
  save(state, dir / "then.pt");
  BackgroundSaver saver;
  saver.save(state, dir / "snapshot.pt");
  saver.wait();  // with nobody else who waits for the device
  EXPECT_TRUE(load(dir / "snapshot.pt", kCpu) == load(dir / "then.pt", kCpu));
  saver.save(state, dir / "snapshot.pt");
  recording->replay(5);
  backend_for(kCuda).synchronize();
  saver.wait();
  // What save() wrote at that moment, not what the steps made of it.
  const auto content = [&](const std::string& name) { return load(dir / name, kCpu); };
  EXPECT_TRUE(content("snapshot.pt") == content("then.pt"));
  EXPECT_FALSE(content("snapshot.pt").at("model") == training.model.state_dict().to_value());
  saver.save(state, dir / "missing" / "x.pt");
  EXPECT_THROW(saver.wait(), IoError);
  saver.wait();
}

TEST_F(Files, AnErrorOnTheDeviceShowsBeforeTheDiskIsTouched) {
  const TempDir dir;
  const Tensor rows = Tensor::empty({1, 2}, DType::float32, kCuda);
  ops::index_select(Tensor::ones({3, 2}, DType::float32, kCuda),
                    Tensor::from<std::int64_t>({9}, {1}, kCuda), rows);
  EXPECT_THROW(save(Dict{{"rows", rows}}, dir / "x.pt"), IndexError);
  EXPECT_FALSE(std::filesystem::exists(dir / "x.pt"));
}

using FilesOfTwo = OnTwoDevices;

TEST_F(FilesOfTwo, MapLocationMovesBetweenDevices) {
  const TempDir dir;
  const auto path = dir / "model.pt";
  Generator generator(4);
  const Tensor x = Tensor::normal({30, 7}, 0, 1, generator);
  save(Dict{{"x", x.to(kSecondCuda)}, {"y", x.to(kCuda)}}, path);
  const Value same = load(path);
  EXPECT_EQ(same.at("x").as_tensor().device(), kSecondCuda);
  EXPECT_EQ(same.at("y").as_tensor().device(), kCuda);
  const Value mapped = load(path, MapLocation::Map{{"cuda:1", kCuda}, {"cuda:0", kCpu}});
  EXPECT_EQ(mapped.at("x").as_tensor().device(), kCuda);
  EXPECT_EQ(mapped.at("y").as_tensor().device(), kCpu);
  for (const Value& value : {same, mapped}) {
    EXPECT_TRUE(bitwise_equal(value.at("x").as_tensor(), x));
    EXPECT_TRUE(bitwise_equal(value.at("y").as_tensor(), x));
  }
}

}  // namespace
}  // namespace wick
