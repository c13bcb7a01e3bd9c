// SPDX-License-Identifier: MIT
// Products of bfloat16 by the processor's tiles.
#include "kernels/cpu/amx/permission.h"
#include "kernels/cpu/amx/tile_engine.h"
#include "kernels/cpu/amx/tiles.h"

namespace wick::cpu {

template <>
PairsTable pairs_table<Amx>() {
  return {pairs_workspace<Amx>, multiply_pairs<TileEngine<ProcessorTiles<Amx>>, Amx>,
          tiles_permitted};
}

}  // namespace wick::cpu
