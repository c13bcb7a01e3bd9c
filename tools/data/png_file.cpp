// SPDX-License-Identifier: MIT
// Reads and writes PNG files by libpng.
//
// libpng reports errors by longjmp. Every function that calls setjmp here therefore holds no
// object with a destructor; what must be freed belongs to its caller.
#include "tools/data/png_file.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <string>
#include <vector>

#include <png.h>

#include "tools/data/file.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

// DEFLATE cannot do better than 258 bytes for two bits.
constexpr std::uint64_t kMaxRatio = 1032;
// What a picture may take beyond that: its samples may have been bits.
constexpr std::uint64_t kFreeBytes = std::uint64_t{64} << 20;

/// What libpng's callbacks need to know.
struct Context {
  std::span<const std::uint8_t> input;
  std::size_t position = 0;
  std::vector<std::uint8_t> output;
  std::array<char, 160> message{};
};

void on_error(png_structp png, png_const_charp message) {
  auto* const context = static_cast<Context*>(png_get_error_ptr(png));
  std::strncpy(context->message.data(), message, context->message.size() - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, std::size_t count) {
  auto* const context = static_cast<Context*>(png_get_io_ptr(png));
  if (count > context->input.size() - context->position) png_error(png, "the file is cut short");
  std::memcpy(to, context->input.data() + context->position, count);
  context->position += count;
}

void on_write(png_structp png, png_bytep from, std::size_t count) {
  auto* const context = static_cast<Context*>(png_get_io_ptr(png));
  context->output.insert(context->output.end(), from, from + count);
}

void on_flush(png_structp) {}

/// libpng's two objects, freed together.
struct Reader {
  explicit Reader(Context& context)
      : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, &context, on_error, on_warning)),
        info(png != nullptr ? png_create_info_struct(png) : nullptr) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  png_structp png;
  png_infop info;
};

struct Writer {
  explicit Writer(Context& context)
      : png(png_create_write_struct(PNG_LIBPNG_VER_STRING, &context, on_error, on_warning)),
        info(png != nullptr ? png_create_info_struct(png) : nullptr) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { png_destroy_write_struct(&png, &info); }
  png_structp png;
  png_infop info;
};

/// What the header says.
struct Header {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  std::uint64_t row_bytes = 0;  // of a row in the file
  std::uint64_t channels = 0;   // after decoding
};

/// Reads up to the pixels. False on an error.
bool read_header(Reader& reader, Context& context, Header& header) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_read_fn(reader.png, &context, on_read);
  // Texts, profiles and the like may be inflated to any size, and are not asked for.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reader.png, reader.info);
  header.width = png_get_image_width(reader.png, reader.info);
  header.height = png_get_image_height(reader.png, reader.info);
  header.row_bytes = png_get_rowbytes(reader.png, reader.info);
  const int color = png_get_color_type(reader.png, reader.info);
  header.channels = (color & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
  return true;
}

/// Asks for 8-bit grey or RGB and reads all rows. False on an error.
bool read_pixels(Reader& reader, png_bytep pixels, std::size_t row_bytes) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  const int color = png_get_color_type(reader.png, reader.info);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(reader.png);
  if (color == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(reader.png);
  png_set_strip_16(reader.png);
  png_set_strip_alpha(reader.png);
  const int passes = png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  if (png_get_rowbytes(reader.png, reader.info) != row_bytes) {
    png_error(reader.png, "a kind of rows that is not known");
  }
  // No array of pointers to rows: it would be larger than a picture of narrow ones.
  const png_uint_32 height = png_get_image_height(reader.png, reader.info);
  for (int pass = 0; pass < passes; ++pass) {
    for (png_uint_32 row = 0; row < height; ++row) {
      png_read_row(reader.png, pixels + row * row_bytes, nullptr);
    }
  }
  png_read_end(reader.png, nullptr);
  return true;
}

bool write_all(Writer& writer, Context& context, png_bytepp rows, png_uint_32 width,
               png_uint_32 height, int color) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) return false;
  png_set_write_fn(writer.png, &context, on_write, on_flush);
  png_set_IHDR(writer.png, writer.info, width, height, 8, color, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writer.png, writer.info);
  png_write_image(writer.png, rows);
  png_write_end(writer.png, nullptr);
  return true;
}

std::vector<png_bytep> row_pointers(std::uint8_t* data, std::size_t rows, std::size_t row_bytes) {
  std::vector<png_bytep> pointers(rows);
  for (std::size_t i = 0; i < rows; ++i) pointers[i] = data + i * row_bytes;
  return pointers;
}

[[noreturn]] void fail(const std::string& name, const Context& context) {
  throw FormatError(concat(name, ": not a readable PNG image: ", context.message.data()));
}

/// Compares sizes with the file's before anything of that size is asked for.
void require_plausible(const Header& header, std::uint64_t file_size, const std::string& name) {
  // A row has a byte for its filter. No overflow: libpng takes sizes up to 31 bits.
  const std::uint64_t raw = header.height * (header.row_bytes + 1);
  const std::uint64_t decoded = header.height * header.width * header.channels;
  const std::uint64_t possible = kMaxRatio * file_size;
  if (raw <= possible && decoded <= possible + kFreeBytes) return;
  throw FormatError(concat(name, ": the header says ", header.width, " x ", header.height,
                           " pixels, ", raw <= possible ? "too many for" : "which cannot be in",
                           " a file of ", file_size, " bytes"));
}

}  // namespace

bool is_png(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 8 && png_sig_cmp(bytes.data(), 0, 8) == 0;
}

Tensor decode_png(std::span<const std::uint8_t> bytes, const std::filesystem::path& path,
                  const ShapeCheck& check) {
  const std::string name = path.string();
  if (!is_png(bytes)) {
    throw FormatError(name + ": not a PNG image (its first eight bytes are not PNG's)");
  }
  Context context;
  context.input = bytes;
  Reader reader(context);
  if (reader.info == nullptr) throw std::bad_alloc();
  Header header;
  if (!read_header(reader, context, header)) fail(name, context);
  require_plausible(header, bytes.size(), name);
  const auto height = static_cast<std::int64_t>(header.height);
  const auto width = static_cast<std::int64_t>(header.width);
  const auto channels = static_cast<std::int64_t>(header.channels);
  check_shape(check, {channels, height, width}, name);
  const Tensor pixels = Tensor::empty({height, width, channels}, DType::uint8);
  if (!read_pixels(reader, static_cast<png_bytep>(pixels.raw()), header.width * header.channels)) {
    fail(name, context);
  }
  if (channels == 1) return pixels.view({1, height, width});
  return pixels.permute({2, 0, 1}).contiguous();
}

void write_png(const Tensor& image, const std::filesystem::path& path) {
  if (image.dtype() != DType::uint8 || image.dim() != 3 || image.numel() == 0 ||
      (image.size(0) != 1 && image.size(0) != 3)) {
    throw ShapeError(concat("write_png: needs uint8 of shape (1 or 3, height, width), got ",
                            image.dtype(), " ", image.shape()));
  }
  const auto channels = static_cast<std::size_t>(image.size(0));
  const auto height = static_cast<std::size_t>(image.size(1));
  const auto width = static_cast<std::size_t>(image.size(2));
  std::vector<std::uint8_t> pixels = image.permute({1, 2, 0}).to_vector<std::uint8_t>();
  std::vector<png_bytep> rows = row_pointers(pixels.data(), height, width * channels);
  Context context;
  Writer writer(context);
  if (writer.info == nullptr) throw std::bad_alloc();
  const int color = channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
  if (!write_all(writer, context, rows.data(), static_cast<png_uint_32>(width),
                 static_cast<png_uint_32>(height), color)) {
    fail(path.string(), context);
  }
  write_file(path, context.output);
}

}  // namespace wick::tools
