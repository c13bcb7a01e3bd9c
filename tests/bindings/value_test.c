/* SPDX-License-Identifier: MIT
 * Values and files, from C. The argument is a folder to write to.
 */
#include <stdlib.h>

#include "tests/bindings/check.h"

static wick_value* parse(const char* text) {
  wick_value* value = NULL;
  OK(wick_value_parse(text, &value));
  return value;
}

static wick_kind kind_of(wick_value* value) {
  wick_kind kind = -1;
  OK(wick_value_kind(value, &kind));
  return kind;
}

static void scalars(void) {
  wick_value* v = NULL;
  const char* text = NULL;
  size_t bytes = 0;
  int64_t integer = 0;
  double real = 0.0, imaginary = 0.0;
  int flag = -1;
  wick_dtype dtype = -1;
  OK(wick_value_none(&v));
  CHECK(kind_of(v) == WICK_NONE);
  OK(wick_value_kind_name(v, &text));
  CHECK(strcmp(text, "None") == 0);
  FAILS(wick_value_as_integer(v, &integer), WICK_ERROR_VALUE, "None");
  OK(wick_free(v));
  OK(wick_value_boolean(5, &v));
  OK(wick_value_as_boolean(v, &flag));
  CHECK(flag == 1 && kind_of(v) == WICK_BOOLEAN);
  OK(wick_free(v));
  OK(wick_value_integer(INT64_MIN, &v));
  OK(wick_value_as_integer(v, &integer));
  CHECK(integer == INT64_MIN);
  OK(wick_value_as_text(v, &text));
  CHECK(strcmp(text, "-9223372036854775808") == 0);
  OK(wick_free(v));
  OK(wick_value_real(0.25, &v));
  OK(wick_value_as_real(v, &real));
  CHECK(real == 0.25 && kind_of(v) == WICK_REAL);
  FAILS(wick_value_as_text(v, &text), WICK_ERROR_VALUE, "float");
  OK(wick_free(v));
  OK(wick_value_complex(1.0, -2.0, &v));
  OK(wick_value_as_complex(v, &real, &imaginary));
  CHECK(real == 1.0 && imaginary == -2.0 && kind_of(v) == WICK_COMPLEX);
  OK(wick_free(v));
  OK(wick_value_string("a\0b", 3, &v));
  OK(wick_value_as_string(v, &text, &bytes));
  CHECK(bytes == 3 && memcmp(text, "a\0b", 4) == 0 && kind_of(v) == WICK_STRING);
  OK(wick_free(v));
  OK(wick_value_string("zero", SIZE_MAX, &v));
  OK(wick_value_as_string(v, &text, NULL));
  CHECK(strcmp(text, "zero") == 0);
  OK(wick_free(v));
  OK(wick_value_bytes("\1\2", 2, &v));
  OK(wick_value_as_string(v, &text, &bytes));
  CHECK(bytes == 2 && text[1] == 2 && kind_of(v) == WICK_BYTES);
  OK(wick_free(v));
  OK(wick_value_byte_array("\3\4", 2, &v));
  OK(wick_value_as_string(v, &text, &bytes));
  CHECK(bytes == 2 && text[0] == 3 && kind_of(v) == WICK_BYTE_ARRAY);
  OK(wick_free(v));
  OK(wick_value_big_integer("-123456789012345678901234567890", &v));
  CHECK(kind_of(v) == WICK_BIG_INTEGER);
  OK(wick_value_as_text(v, &text));
  CHECK(strcmp(text, "-123456789012345678901234567890") == 0);
  OK(wick_free(v));
  FAILS(wick_value_big_integer("12a", &v), WICK_ERROR_VALUE, NULL);
  OK(wick_value_dtype(WICK_FLOAT16, &v));
  OK(wick_value_as_dtype(v, &dtype));
  OK(wick_value_as_text(v, &text));
  CHECK(dtype == WICK_FLOAT16 && strcmp(text, "torch.float16") == 0 && kind_of(v) == WICK_DTYPE);
  OK(wick_free(v));
  OK(wick_value_device("cuda:3", &v));
  OK(wick_value_as_text(v, &text));
  CHECK(strcmp(text, "cuda:3") == 0 && kind_of(v) == WICK_DEVICE);
  OK(wick_free(v));
}

static void containers(void) {
  wick_value *list = NULL, *tuple = NULL, *dict = NULL, *set = NULL, *v = NULL, *key = NULL;
  const int64_t sizes[2] = {3, 4};
  size_t length = 0;
  int64_t integer = 0;
  int flag = -1;
  const char* text = NULL;
  const void *one = NULL, *two = NULL;
  OK(wick_value_list(&list));
  OK(wick_value_integer(7, &v));
  OK(wick_value_append(list, v));
  OK(wick_value_append(list, list)); /* as in Python */
  OK(wick_value_length(list, &length));
  CHECK(length == 2);
  FAILS(wick_value_equal(list, list, &flag), WICK_ERROR_VALUE, "contains itself");
  OK(wick_value_take_apart(list));
  OK(wick_value_length(list, &length));
  CHECK(length == 0);
  FAILS(wick_value_item(list, 0, &key), WICK_ERROR_INDEX, "outside");
  FAILS(wick_value_length(v, &length), WICK_ERROR_VALUE, "int");

  OK(wick_value_tuple(&tuple));
  OK(wick_value_append(tuple, v));
  OK(wick_value_ordered_dict(&dict));
  OK(wick_value_is_ordered(dict, &flag));
  CHECK(flag == 1 && kind_of(dict) == WICK_DICT);
  OK(wick_value_set_by(dict, tuple, list));
  OK(wick_value_set(dict, "name", v));
  OK(wick_value_contains(dict, "name", &flag));
  CHECK(flag == 1);
  OK(wick_value_contains(dict, "other", &flag));
  CHECK(flag == 0);
  OK(wick_free(v));
  OK(wick_value_get_by(dict, tuple, &v));
  OK(wick_value_identity(v, &one));
  OK(wick_value_identity(list, &two));
  CHECK(one == two && one != NULL);
  OK(wick_free(v));
  OK(wick_value_key(dict, 1, &key));
  OK(wick_value_as_string(key, &text, NULL));
  CHECK(strcmp(text, "name") == 0);
  OK(wick_value_item(dict, 1, &v));
  OK(wick_value_as_integer(v, &integer));
  CHECK(integer == 7);
  OK(wick_value_identity(v, &one));
  CHECK(one == NULL);
  FAILS(wick_value_set_by(dict, list, v), WICK_ERROR_VALUE, "list");
  OK(wick_free(list)); /* the dict has the list still */
  FAILS(wick_value_key(dict, 2, &list), WICK_ERROR_INDEX, "2");
  CHECK(list == NULL);
  OK(wick_free(v));
  OK(wick_free(key));
  FAILS(wick_value_get(dict, "absent", &v), WICK_ERROR_VALUE, "absent");

  OK(wick_value_set_of(&set));
  OK(wick_value_append(set, tuple));
  OK(wick_value_append(set, tuple));
  OK(wick_value_length(set, &length));
  CHECK(length == 1 && kind_of(set) == WICK_SET);
  OK(wick_value_frozen_set(set, &v));
  OK(wick_value_length(v, &length));
  CHECK(length == 1 && kind_of(v) == WICK_FROZEN_SET);
  OK(wick_free(v));
  FAILS(wick_value_frozen_set(dict, &v), WICK_ERROR_VALUE, "dict");
  OK(wick_value_append(tuple, tuple));
  FAILS(wick_value_append(set, tuple), WICK_ERROR_VALUE, "contains itself");
  OK(wick_value_take_apart(tuple));
  OK(wick_value_size(sizes, 2, &v));
  OK(wick_value_item(v, 1, &key));
  OK(wick_value_as_integer(key, &integer));
  CHECK(integer == 4 && kind_of(v) == WICK_SIZE);
  OK(wick_free(key));
  OK(wick_free(v));

  v = parse("{'a': 1}");
  OK(wick_value_attributes(dict, &key));
  CHECK(kind_of(key) == WICK_NONE);
  OK(wick_free(key));
  FAILS(wick_value_set_attributes(v, v), WICK_ERROR_VALUE, "OrderedDict");
  OK(wick_value_set_attributes(dict, v));
  OK(wick_value_attributes(dict, &key));
  OK(wick_value_equal(v, key, &flag));
  CHECK(flag == 1);
  OK(wick_free(key));
  OK(wick_free(v));
  OK(wick_value_dict(&v));
  OK(wick_value_is_ordered(v, &flag));
  CHECK(flag == 0);
  OK(wick_free(v));
  OK(wick_free(set));
  OK(wick_free(dict));
  OK(wick_free(tuple));
}

static void literals(void) {
  static const char* const kWrong[] = {
      "",  "{",   "[1, 2", "(1 2)",        "{'a' 1}", "'open",   "True1", "1e999",
      "-", "--1", "1 2",   "{1: 2, 1: 3}", "'\\q'",   "{[]: 1}", "nil",   "1.2.3"};
  char deep[300];
  wick_value *a = NULL, *b = NULL, *v = NULL;
  double real = 0.0;
  size_t i;
  int equal = 0;
  for (i = 0; i < sizeof kWrong / sizeof kWrong[0]; ++i) {
    FAILS(wick_value_parse(kWrong[i], &v), WICK_ERROR_VALUE, "wick_value_parse: ");
    if (v != NULL) printf("%s was taken\n", kWrong[i]);
  }
  memset(deep, '[', sizeof deep - 1);
  deep[sizeof deep - 1] = '\0';
  FAILS(wick_value_parse(deep, &v), WICK_ERROR_VALUE, "nesting");
  a = parse(
      " { 'x' : [1, -2, +3], \"y\": (0.5, 1e-3, .25, 2.), 'z': (1,), 'n': None, 't': True,"
      " 'q': 'it\\'s', 3: (), 'i': -inf, 'big': 123456789012345678901234567890, 'p': (4) , }");
  OK(wick_value_get(a, "y", &v));
  OK(wick_value_item(v, 2, &b));
  OK(wick_value_as_real(b, &real));
  CHECK(real == 0.25 && kind_of(v) == WICK_TUPLE);
  OK(wick_free(b));
  OK(wick_free(v));
  OK(wick_value_get(a, "p", &v));
  CHECK(kind_of(v) == WICK_INTEGER);
  OK(wick_free(v));
  OK(wick_value_get(a, "big", &v));
  CHECK(kind_of(v) == WICK_BIG_INTEGER);
  OK(wick_free(v));
  b = parse(
      "{'x':[1,-2,3],'y':(0.5,0.001,0.25,2.0),'z':(1,),'n':None,'t':True,'q':\"it's\","
      "3:(),'i':-inf,'big':123456789012345678901234567890,'p':4}");
  OK(wick_value_equal(a, b, &equal));
  CHECK(equal == 1);
  OK(wick_free(a));
  OK(wick_free(b));
}

/* {'model': {...}, 'epoch': 3} goes through a file of each format that can hold it. */
static void files(const char* folder) {
  const int64_t shape[2] = {2, 2};
  const float values[4] = {1, 2, 3, 4};
  char path[4096];
  wick_tensor *tensor = NULL, *back = NULL;
  wick_value *root = NULL, *state = NULL, *v = NULL, *loaded = NULL;
  int equal = 0;
  wick_format format;
  OK(wick_tensor_copy_of(values, sizeof values, shape, 2, WICK_FLOAT32, &tensor));
  OK(wick_value_tensor(tensor, &v));
  CHECK(kind_of(v) == WICK_TENSOR);
  OK(wick_value_ordered_dict(&state));
  OK(wick_value_set(state, "fc.weight", v));
  root = parse("{'epoch': 3, 'lr': 0.5, 'name': 'run'}");
  OK(wick_value_set(root, "model", state));
  snprintf(path, sizeof path, "%s/values.pt", folder);
  OK(wick_save(root, path, WICK_FORMAT_TORCH));
  OK(wick_load(path, "cpu", 0, &loaded));
  OK(wick_value_equal(root, loaded, &equal));
  CHECK(equal == 1);
  OK(wick_free(loaded));
  OK(wick_load(path, NULL, WICK_LOAD_PLACEHOLDERS | WICK_LOAD_NO_VERIFY, &loaded));
  OK(wick_free(loaded));
  FAILS(wick_load(path, NULL, 64, &loaded), WICK_ERROR_VALUE, "64");
  FAILS(wick_load(path, "tpu", 0, &loaded), WICK_ERROR_DEVICE, "tpu");
  FAILS(wick_save(root, path, WICK_FORMAT_NPZ), WICK_ERROR_STATE_DICT, "wick_save: ");
  FAILS(wick_save(root, path, 9), WICK_ERROR_VALUE, "9");
  for (format = WICK_FORMAT_SAFETENSORS; format <= WICK_FORMAT_NPZ; ++format) {
    snprintf(path, sizeof path, "%s/values.%d", folder, (int)format);
    OK(wick_save(format == WICK_FORMAT_NPY ? v : state, path, format));
    OK(wick_load(path, "cpu", 0, &loaded));
    if (format == WICK_FORMAT_NPY) {
      OK(wick_value_as_tensor(loaded, &back));
    } else {
      wick_value* item = NULL;
      OK(wick_value_get(loaded, "fc.weight", &item));
      OK(wick_value_as_tensor(item, &back));
      OK(wick_free(item));
    }
    OK(wick_tensor_equal(tensor, back, &equal));
    CHECK(equal == 1);
    OK(wick_free(back));
    OK(wick_free(loaded));
  }
  snprintf(path, sizeof path, "%s/absent.pt", folder);
  remove(path);
  FAILS(wick_load(path, NULL, 0, &loaded), WICK_ERROR_IO, "absent.pt");
  {
    FILE* file = fopen(path, "wb");
    fputs("this is no checkpoint", file);
    fclose(file);
  }
  FAILS(wick_load(path, NULL, 0, &loaded), WICK_ERROR_FORMAT, "absent.pt");
  CHECK(loaded == NULL);
  OK(wick_free(v));
  OK(wick_free(state));
  OK(wick_free(root));
  OK(wick_free(tensor));
}

int main(int count, char** arguments) {
  scalars();
  containers();
  literals();
  files(count > 1 ? arguments[1] : ".");
  return finish();
}
