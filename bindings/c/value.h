/* SPDX-License-Identifier: MIT
 * Values: Python's plain objects, which checkpoints hold; and files. See wick.h.
 *
 * A value is a number, a text ..., or a handle of a container that several values may share, as
 * names share a list in Python: what is set through one shows in all.
 */
#pragma once

#include "wick/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t wick_kind;
enum {
  WICK_NONE = 0,
  WICK_BOOLEAN = 1,
  WICK_INTEGER = 2,
  WICK_REAL = 3,
  WICK_COMPLEX = 4,
  WICK_STRING = 5,
  WICK_BYTES = 6,
  WICK_LIST = 7,
  WICK_TUPLE = 8,
  WICK_DICT = 9, /* and its subclasses in collections */
  WICK_SET = 10,
  WICK_SIZE = 11,  /* torch.Size */
  WICK_DTYPE = 12, /* torch.dtype */
  WICK_DEVICE = 13,
  WICK_TENSOR = 14, /* and torch.nn.Parameter */
  WICK_BIG_INTEGER = 15,
  WICK_BYTE_ARRAY = 16,
  WICK_FROZEN_SET = 17,
  WICK_STORAGE = 18,
  WICK_LAYOUT = 19,
  WICK_PLACEHOLDER = 20 /* of an object that is not admitted: WICK_LOAD_PLACEHOLDERS */
};

/* -- Making --------------------------------------------------------------------------------- */

WICK_C_API wick_status wick_value_none(wick_value** result);
WICK_C_API wick_status wick_value_boolean(int value, wick_value** result);
WICK_C_API wick_status wick_value_integer(int64_t value, wick_value** result);
WICK_C_API wick_status wick_value_real(double value, wick_value** result);
WICK_C_API wick_status wick_value_complex(double real, double imaginary, wick_value** result);
/* Of `bytes` bytes, with zeros among them or not; SIZE_MAX: up to the first zero. */
WICK_C_API wick_status wick_value_string(const char* text, size_t bytes, wick_value** result);
WICK_C_API wick_status wick_value_bytes(const void* data, size_t bytes, wick_value** result);
WICK_C_API wick_status wick_value_byte_array(const void* data, size_t bytes, wick_value** result);
/* An integer of any size, from decimal digits with an optional sign. */
WICK_C_API wick_status wick_value_big_integer(const char* decimal, wick_value** result);
WICK_C_API wick_status wick_value_dtype(wick_dtype dtype, wick_value** result);
WICK_C_API wick_status wick_value_size(const int64_t* sizes, size_t count, wick_value** result);
/* torch.device: "cuda:1". */
WICK_C_API wick_status wick_value_device(const char* name, wick_value** result);
WICK_C_API wick_status wick_value_tensor(wick_tensor* tensor, wick_value** result);
/* Empty ones. A tuple can be appended to until it is used as a key. */
WICK_C_API wick_status wick_value_list(wick_value** result);
WICK_C_API wick_status wick_value_tuple(wick_value** result);
WICK_C_API wick_status wick_value_dict(wick_value** result);
WICK_C_API wick_status wick_value_ordered_dict(wick_value** result);
WICK_C_API wick_status wick_value_set_of(wick_value** result);
/* Of the items of a set. */
WICK_C_API wick_status wick_value_frozen_set(wick_value* set, wick_value** result);
/* From Python's literals: "{'lr': 1e-3, 'betas': (0.9, 0.999), 'amsgrad': True}", with numbers,
 * texts in either quotes, True, False, None, lists, tuples and dicts. WICK_ERROR_VALUE, with the
 * position, for anything else. */
WICK_C_API wick_status wick_value_parse(const char* text, wick_value** result);

/* -- Reading: WICK_ERROR_VALUE, which names both kinds, where the value is of another --------- */

WICK_C_API wick_status wick_value_kind(wick_value* value, wick_kind* kind);
/* Python's name: "int", "dict", "torch.Tensor"; valid for ever. */
WICK_C_API wick_status wick_value_kind_name(wick_value* value, const char** name);
WICK_C_API wick_status wick_value_as_boolean(wick_value* value, int* result);
WICK_C_API wick_status wick_value_as_integer(wick_value* value, int64_t* result);
/* Also of an integer or a boolean. */
WICK_C_API wick_status wick_value_as_real(wick_value* value, double* result);
WICK_C_API wick_status wick_value_as_complex(wick_value* value, double* real, double* imaginary);
/* The bytes of a string, bytes or bytearray; behind them is a zero. `bytes` may be NULL. */
WICK_C_API wick_status wick_value_as_string(wick_value* value, const char** text, size_t* bytes);
/* What str() gives of an integer of any size, a device, a dtype, a layout. Valid until the next
 * call of this function in this thread. */
WICK_C_API wick_status wick_value_as_text(wick_value* value, const char** text);
WICK_C_API wick_status wick_value_as_dtype(wick_value* value, wick_dtype* dtype);
WICK_C_API wick_status wick_value_as_tensor(wick_value* value, wick_tensor** result);

/* The number of items of a list, tuple, dict, set, frozenset or torch.Size. */
WICK_C_API wick_status wick_value_length(wick_value* value, size_t* length);
/* An item of one of those, in order; of a dict, the value of an entry. WICK_ERROR_INDEX outside. */
WICK_C_API wick_status wick_value_item(wick_value* value, size_t index, wick_value** result);
/* The key of an entry of a dict. */
WICK_C_API wick_status wick_value_key(wick_value* dict, size_t index, wick_value** result);
/* What a dict has under a key. WICK_ERROR_VALUE, which names the keys there are, where it has not.
 * The second takes keys of any kind. */
WICK_C_API wick_status wick_value_get(wick_value* dict, const char* key, wick_value** result);
WICK_C_API wick_status wick_value_get_by(wick_value* dict, wick_value* key, wick_value** result);
WICK_C_API wick_status wick_value_contains(wick_value* dict, const char* key, int* result);
/* Whether a dict is an OrderedDict. */
WICK_C_API wick_status wick_value_is_ordered(wick_value* dict, int* result);
/* The attributes of an OrderedDict, such as the `_metadata` of a module's state: a dict, or None
 * where there are none. */
WICK_C_API wick_status wick_value_attributes(wick_value* dict, wick_value** result);
/* An address: the same for two handles of one container or tensor, different for two objects. NULL
 * for what has no identity: numbers, texts, storages, layouts. */
WICK_C_API wick_status wick_value_identity(wick_value* value, const void** identity);
WICK_C_API wick_status wick_value_equal(wick_value* a, wick_value* b, int* equal);

/* -- Changing ------------------------------------------------------------------------------- */

/* To a list, a tuple or a set. */
WICK_C_API wick_status wick_value_append(wick_value* sequence, wick_value* item);
/* Overwrites where the key is there. */
WICK_C_API wick_status wick_value_set(wick_value* dict, const char* key, wick_value* value);
WICK_C_API wick_status wick_value_set_by(wick_value* dict, wick_value* key, wick_value* value);
WICK_C_API wick_status wick_value_set_attributes(wick_value* dict, wick_value* attributes);
/* Empties every container in it, for a value of unknown origin, which may contain itself and then
 * would never be freed. Other handles of the containers see them empty. */
WICK_C_API wick_status wick_value_take_apart(wick_value* value);

/* -- Files ---------------------------------------------------------------------------------- */

typedef int32_t wick_format;
enum {
  WICK_FORMAT_TORCH = 0,       /* torch.save */
  WICK_FORMAT_SAFETENSORS = 1, /* a dict of names to tensors */
  WICK_FORMAT_NPY = 2,         /* one tensor */
  WICK_FORMAT_NPZ = 3          /* a dict of names to tensors */
};
enum {
  /* Objects that are not admitted become placeholders, instead of WICK_ERROR_FORMAT. */
  WICK_LOAD_PLACEHOLDERS = 1,
  /* Records whose checksum is another than the recorded one are read as they are. */
  WICK_LOAD_NO_VERIFY = 2
};

/* What a file of any of these formats holds, or the index of a sharded checkpoint. `device` is
 * torch.load's map_location: NULL, each tensor goes to the device it was saved from. `flags` are
 * added up. Runs no code of the file. */
WICK_C_API wick_status wick_load(const char* path, const char* device, unsigned flags,
                                 wick_value** result);
/* The file appears whole or not at all. */
WICK_C_API wick_status wick_save(wick_value* value, const char* path, wick_format format);

#ifdef __cplusplus
}
#endif
