// SPDX-License-Identifier: MIT
// Launcher of the small network's steps.
#include "kernels/cuda/small_net.cuh"
#include "wick/core/backend/update.h"

namespace wick::cuda {
namespace {

constexpr int kMostBlocks = 16;
constexpr std::int64_t kFewestInputs = 16;  // of a block
constexpr std::size_t kSharedByDefault = 48 << 10;

int net_blocks(const SmallNetArgs& args, const SmallNetDevice& device) {
  const int most = device.cluster_blocks > 0 ? std::min(device.cluster_blocks, kMostBlocks)
                                             : std::min(device.multiprocessors, kMostBlocks);
  int blocks = 1;
  while (blocks * 2 <= most && args.inputs >= blocks * 2 * kFewestInputs) blocks *= 2;
  return blocks;
}

SmallNetLayout net_layout(const SmallNetArgs& args, int blocks) {
  return small_net_layout(static_cast<int>(args.batch),
                          static_cast<int>(divide_up(args.inputs, blocks)),
                          static_cast<int>(args.hidden), static_cast<int>(args.outputs));
}

// `ask`: whether the device runs such a cluster at once, before it is started.
template <typename Kernel>
cudaError_t launch_blocks(Kernel* kernel, const Grid& grid, const SmallNetTask& task,
                          const LaunchContext& context, bool ask) {
  if (grid.shared_bytes > kSharedByDefault) {
    const cudaError_t status = cudaFuncSetAttribute(
        kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(grid.shared_bytes));
    if (status != cudaSuccess) return status;
  }
  constexpr int kPortableCluster = 8;
  if (grid.cluster > kPortableCluster) {
    const cudaError_t status =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
    if (status != cudaSuccess) return status;
  }
  if (ask && grid.cluster > 1) {
    int clusters = 0;
    const LaunchConfig asked(grid, context);
    const cudaError_t status = cudaOccupancyMaxActiveClusters(&clusters, kernel, &asked.config);
    if (status != cudaSuccess) return status;
    if (clusters == 0) return cudaErrorInvalidClusterSize;
  }
  return launch(grid, context, kernel, task);
}

cudaError_t start(const SmallNetArgs& args, const SmallNetDevice& device,
                  const LaunchContext& context, bool ask) {
  const int blocks = net_blocks(args, device);
  SmallNetTask task{};
  task.args = args;
  task.layout = net_layout(args, blocks);
  task.options = update_options<float>(args.update);
  task.partial =
      reinterpret_cast<float*>(static_cast<unsigned char*>(context.workspace) + kTicketBytes);
  task.error = context.error;
  Grid grid{blocks, kNetThreads, static_cast<std::size_t>(task.layout.floats) * sizeof(float)};
  if (device.cluster_blocks > 0) {
    grid.cluster = blocks;
    return launch_blocks(small_net_kernel<true>, grid, task, context, ask);
  }
  grid.cooperative = true;
  return launch_blocks(small_net_kernel<false>, grid, task, context, ask);
}

}  // namespace

bool small_net_fits(const SmallNetArgs& args, const SmallNetDevice& device) {
  constexpr std::int64_t kMostInputs = 1 << 16;
  constexpr std::int64_t kMostHidden = 1024;
  if (args.batch < 1 || args.batch > kNetThreads || args.inputs < 1 || args.inputs > kMostInputs ||
      args.hidden < 1 || args.hidden > kMostHidden || args.outputs < 1 ||
      args.outputs > kMostOutputs || !small_net_updates(args.update)) {
    return false;
  }
  const int blocks = net_blocks(args, device);
  const auto shared = static_cast<std::size_t>(net_layout(args, blocks).floats) * sizeof(float);
  const auto partial =
      static_cast<std::size_t>(2 * blocks * args.batch * args.hidden) * sizeof(float);
  return shared <= device.shared_bytes_per_block && partial <= kWorkspaceBytes - kTicketBytes;
}

std::optional<SmallNetDevice> small_net_device(const SmallNetArgs& args, SmallNetDevice device,
                                               const LaunchContext& context) {
  constexpr int kFewestBlocks = 4;
  SmallNetArgs nothing = args;
  nothing.steps = 0;
  do {
    if (small_net_fits(args, device)) {
      const cudaError_t status = start(nothing, device, context, true);
      if (status == cudaSuccess) return device;
      static_cast<void>(cudaGetLastError());  // else the next launch would report it again
    }
    device.cluster_blocks /= 2;
  } while (device.cluster_blocks >= kFewestBlocks);
  return std::nullopt;
}

cudaError_t launch_small_net(const SmallNetArgs& args, const SmallNetDevice& device,
                             const LaunchContext& context) {
  if (!small_net_fits(args, device)) {
    throw ValueError(concat("small_net: ", args.inputs, "-", args.hidden, "-", args.outputs,
                            " at a batch of ", args.batch,
                            " does not fit; train it by single operations"));
  }
  if (args.steps <= 0) return cudaSuccess;
  return start(args, device, context, false);
}

}  // namespace wick::cuda
