// SPDX-License-Identifier: MIT
// What the writer of pickles has still to do for the containers that it is in.
#pragma once

#include <cstddef>
#include <vector>

#include "wick/core/value.h"

namespace wick::pickle {

// Whether equal keys of a dict are one object.
enum class Keys { interned, fresh };

enum class Work {
  tuple,
  list,  // the items of a list or a set
  dict_items,
  iterated_items,  // of an OrderedDict or a defaultdict
  attributes,      // of an OrderedDict
  // What follows something that was saved.
  counter_end,
  set_end,
  tensor_end,
  parameter_end,
  build,
  set_item,
};

struct Step {
  Work work = Work::build;
  const std::vector<Value>* items = nullptr;
  const Set* set = nullptr;
  const Dict* dict = nullptr;
  const void* identity = nullptr;
  Keys keys = Keys::interned;
  std::size_t next = 0;   // of the items
  std::size_t first = 0;  // of the batch
  std::size_t stop = 0;   // where the batch ends
  bool open = false;      // the batch has begun
  bool single = false;    // it has one item and no mark
  bool key_done = false;  // of the next item
};

}  // namespace wick::pickle
