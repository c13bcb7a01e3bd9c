// SPDX-License-Identifier: MIT
// How the kernels of normalisations are launched, for their forward and their backward pass.
#pragma once

#include <algorithm>
#include <bit>

#include "kernels/cuda/norm_apply.cuh"
#include "kernels/cuda/norm_columns.cuh"
#include "kernels/cuda/norm_finish.cuh"
#include "kernels/cuda/norm_sums.cuh"
#include "wick/core/backend/norm.h"

namespace wick::cuda {

/// How the workspace is divided: tickets, what shares leave, and what belongs to statistics.
class NormWorkspace {
 public:
  static constexpr std::size_t kPartialBytes = std::size_t{1} << 20;
  static constexpr std::size_t kStatBytes = kWorkspaceBytes - kTicketBytes - kPartialBytes;

  explicit NormWorkspace(const LaunchContext& context)
      : base_(static_cast<unsigned char*>(context.workspace)) {}
  [[nodiscard]] unsigned* tickets() const { return reinterpret_cast<unsigned*>(base_); }
  [[nodiscard]] double* partial() const { return reinterpret_cast<double*>(base_ + kTicketBytes); }
  [[nodiscard]] unsigned char* stats() const { return base_ + kTicketBytes + kPartialBytes; }
  /// Shares for which there is room, with `count` partial results of up to kNormMostSums sums each.
  [[nodiscard]] static std::int64_t most_shares(std::int64_t count, std::int64_t tickets) {
    if (tickets > static_cast<std::int64_t>(kTicketBytes / sizeof(unsigned))) return 1;
    return static_cast<std::int64_t>(kPartialBytes / sizeof(double)) / (kNormMostSums * count);
  }

 private:
  unsigned char* base_;
};

/// What offset() does for a pointer that may be none.
template <typename T>
[[nodiscard]] T* offset_of(T* data, std::int64_t elements) {
  return data == nullptr ? nullptr : data + elements;
}

/// Whether packs of 16 bytes can be used: 1 or kPackSize<T> is the argument of f.
template <typename T, typename F>
[[nodiscard]] cudaError_t with_packs(bool whole, const F& f) {
  return whole ? f(std::integral_constant<int, kPackSize<T>>{})
               : f(std::integral_constant<int, 1>{});
}

/// `work(first, last)` for parts of `count` items, as many at a time as there is room for.
template <typename F>
[[nodiscard]] cudaError_t in_parts(std::int64_t count, std::int64_t room, const F& work) {
  for (std::int64_t first = 0; first < count; first += room) {
    const cudaError_t status = work(first, std::min(count, first + room));
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

/// `work(first sample, end, first group, end)` for parts with at most `room` statistics: all groups
/// of some samples, or some groups of one sample, which lie one after the other.
template <typename F>
[[nodiscard]] cudaError_t in_parts_of_groups(const NormShape& shape, std::int64_t room,
                                             const F& work) {
  const std::int64_t groups_at_once = std::min(shape.groups, room);
  const std::int64_t samples_at_once = groups_at_once < shape.groups ? 1 : room / shape.groups;
  return in_parts(shape.groups, groups_at_once, [&](std::int64_t group, std::int64_t last_group) {
    return in_parts(shape.samples, samples_at_once, [&](std::int64_t sample, std::int64_t last) {
      return work(sample, last, group, last_group);
    });
  });
}

/// How a team of `threads` goes over rows of `inner` elements in packs of `packs`.
[[nodiscard]] inline RowPieces row_pieces(std::int64_t inner, int packs, int threads) {
  const std::int64_t whole = divide_up(inner, packs);
  const auto power = [](std::int64_t value) {
    return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(value)));
  };
  // Neighbours share cache lines as far as a row goes.
  constexpr std::int64_t kNeighbours = 8;
  const std::int64_t width = std::min<std::int64_t>(
      threads, std::max(power(divide_up(whole, kNormUnroll)), std::min(kNeighbours, power(whole))));
  RowPieces pieces{};
  pieces.log_width = std::countr_zero(static_cast<std::uint64_t>(width));
  pieces.inner = inner;
  pieces.piece = width * packs * kNormUnroll;
  pieces.pieces = divide_up(inner, pieces.piece);
  pieces.per_row = Divisor(pieces.pieces);
  return pieces;
}
/// From a thread's item to its next one there are `items`.
inline void set_step(RowPieces& pieces, std::int64_t items) {
  pieces.step_rows = items / pieces.pieces;
  pieces.step_pieces = items % pieces.pieces;
}

// Elements of a statistic from which on a block shares it.
inline constexpr std::int64_t kNormLongStat = 4096;
// Elements that a block takes at least where several share a statistic.
inline constexpr std::int64_t kNormFewestElements = 16384;
inline constexpr std::int64_t kNormMostShares = 512;

template <template <typename> typename Sums, typename T, typename Finish>
[[nodiscard]] cudaError_t launch_norm_sums(NormSumsTask<T> task, std::int64_t inner, bool packs,
                                           const Finish& finish, const LaunchContext& context) {
  return with_packs<T>(packs, [&](auto size) {
    constexpr int N = decltype(size)::value;
    const std::int64_t elements = task.rows * inner;
    const bool is_long = elements >= kNormLongStat;
    const int threads = is_long ? kNormThreads : kWarpSize;
    task.pieces = row_pieces(inner, N, threads);
    const NormWorkspace workspace(context);
    task.partial = workspace.partial();
    task.tickets = workspace.tickets();
    task.shares = 1;
    if (is_long) {
      const std::int64_t wanted = resident_blocks(
          task.stats * divide_up(elements, kNormFewestElements), 1, kNormThreads, 2, context);
      task.shares = std::min({wanted / task.stats, kNormMostShares,
                              NormWorkspace::most_shares(task.stats, task.stats)});
      task.shares = std::max<std::int64_t>(task.shares, 1);
    }
    set_step(task.pieces, task.shares * (threads >> task.pieces.log_width));
    const Grid grid{blocks_for(task.stats * task.shares, kNormThreads / threads), kNormThreads,
                    sizeof(NormShared)};
    return is_long ? launch(grid, context, norm_sums_kernel<N, kNormThreads, Sums<T>, Finish, T>,
                            task, finish)
                   : launch(grid, context, norm_sums_kernel<N, kWarpSize, Sums<T>, Finish, T>, task,
                            finish);
  });
}

template <bool Gradient, bool ByElement, typename T>
[[nodiscard]] cudaError_t launch_norm_apply(NormApplyTask<T> task, std::int64_t inner, bool packs,
                                            const LaunchContext& context) {
  return with_packs<T>(packs, [&](auto size) {
    constexpr int N = decltype(size)::value;
    task.pieces = row_pieces(inner, N, kNormThreads);
    const std::int64_t at_once = kNormThreads >> task.pieces.log_width;
    constexpr int kWaves = 8;
    const std::int64_t blocks =
        resident_blocks(task.rows * task.pieces.pieces, at_once, kNormThreads, kWaves, context);
    set_step(task.pieces, blocks * at_once);
    return launch({blocks, kNormThreads}, context, norm_apply_kernel<N, Gradient, ByElement, T>,
                  task);
  });
}

/// The tiles of columns, and the shares of rows: at least kNormColumnRows for each thread.
inline constexpr std::int64_t kNormColumnRows = 8;
template <int N, typename T>
void set_tiles(NormColumnsTask<T>& task, std::int64_t most_shares, int waves,
               const LaunchContext& context) {
  const std::int64_t lanes = std::min<std::int64_t>(
      kWarpSize, static_cast<std::int64_t>(
                     std::bit_ceil(static_cast<std::uint64_t>(divide_up(task.cols, N)))));
  task.log_lanes = std::countr_zero(static_cast<std::uint64_t>(lanes));
  task.tiles = divide_up(task.cols, lanes * N);
  const std::int64_t fewest = (kNormThreads / lanes) * kNormColumnRows;
  const std::int64_t blocks =
      resident_blocks(task.tiles * divide_up(task.rows, fewest), 1, kNormThreads, waves, context);
  task.shares = std::max<std::int64_t>(1, std::min(blocks / task.tiles, most_shares));
  task.share_rows = divide_up(task.rows, task.shares);
}

template <template <int, typename> typename Terms, typename T, typename Finish>
[[nodiscard]] cudaError_t launch_norm_column_sums(NormColumnsTask<T> task, bool packs,
                                                  const Finish& finish,
                                                  const LaunchContext& context) {
  return with_packs<T>(packs, [&](auto size) {
    constexpr int N = decltype(size)::value;
    // The last block adds them up one after the other.
    constexpr std::int64_t kMostShares = 128;
    const NormWorkspace workspace(context);
    task.partial = workspace.partial();
    task.tickets = workspace.tickets();
    const std::int64_t tiles = divide_up(task.cols, kWarpSize * N);
    set_tiles<N>(task, std::min(kMostShares, NormWorkspace::most_shares(task.cols, tiles)), 2,
                 context);
    using Shared = NormColumnsShared<N, Terms<N, T>::kSums>;
    return launch({task.tiles * task.shares, kNormThreads, sizeof(Shared)}, context,
                  norm_column_sums_kernel<N, Terms<N, T>, Finish, T>, task, finish);
  });
}

template <bool Gradient, typename T>
[[nodiscard]] cudaError_t launch_norm_columns(NormColumnsTask<T> task, bool packs,
                                              const LaunchContext& context) {
  return with_packs<T>(packs, [&](auto size) {
    constexpr int N = decltype(size)::value;
    constexpr int kWaves = 4;
    set_tiles<N>(task, task.rows, kWaves, context);
    return launch({task.tiles * task.shares, kNormThreads}, context,
                  norm_columns_kernel<N, Gradient, T>, task);
  });
}

/// The longest row that a block holds in registers.
inline constexpr int kNormRowPacks = 8;
template <typename T>
[[nodiscard]] constexpr std::int64_t longest_norm_row(bool packs) {
  return std::int64_t{kNormThreads} * kNormRowPacks * (packs ? kPackSize<T> : 1);
}

/// `start(teams of Threads, packs of a thread)` picks the kernel for rows in registers.
template <int N, typename Start>
[[nodiscard]] cudaError_t with_row_kernel(std::int64_t size, const Start& start) {
  constexpr int kFew = 2;
  constexpr auto kWarp = std::integral_constant<int, kWarpSize>{};
  constexpr auto kBlock = std::integral_constant<int, kNormThreads>{};
  constexpr auto kFewPacks = std::integral_constant<int, kFew>{};
  constexpr auto kManyPacks = std::integral_constant<int, kNormRowPacks>{};
  if (size <= kWarpSize * kFew * N) return start(kWarp, kFewPacks);
  if (size <= kWarpSize * kNormRowPacks * N) return start(kWarp, kManyPacks);
  if (size <= kNormThreads * kFew * N) return start(kBlock, kFewPacks);
  return start(kBlock, kManyPacks);
}

/// How many blocks take `rows` rows in teams of `threads`.
[[nodiscard]] inline Grid row_grid(std::int64_t rows, int threads) {
  return {blocks_for(rows, kNormThreads / threads), kNormThreads, sizeof(NormShared)};
}

}  // namespace wick::cuda
