// SPDX-License-Identifier: MIT
// Reads JPEG files by libjpeg.
//
// libjpeg ends the process on an error, unless its error_exit is replaced by one that does not come
// back: here by longjmp. Every function that calls setjmp therefore holds no object with a
// destructor, and no variable that it changes afterwards; what must be freed belongs to its caller.
#include "tools/data/jpeg_file.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>  // jpeglib.h needs it
#include <string>

#include <jerror.h>
#include <jpeglib.h>

#include "wick/core/error.h"

namespace wick::tools {
namespace {

// One bit can code a block of 64 samples, so that a byte codes 512; a pixel of a colour picture has
// three samples.
constexpr std::uint64_t kMaxRatio = 1536;
// What a picture may take beyond that: arithmetic coding and runs of empty blocks take less.
constexpr std::uint64_t kFreeBytes = std::uint64_t{64} << 20;
// Progressive files of all encoders have some ten. Each costs a pass over the picture.
constexpr int kMostScans = 100;

/// What libjpeg's callbacks need to know. Its structures come first in it, so that their addresses
/// lead to it.
struct Errors {
  jpeg_error_mgr manager{};
  std::jmp_buf back;
  std::array<char, JMSG_LENGTH_MAX> message{};
};

Errors& errors_of(j_common_ptr info) {
  return *reinterpret_cast<Errors*>(info->err);
}

[[noreturn]] void on_error(j_common_ptr info) {
  Errors& errors = errors_of(info);
  info->err->format_message(info, errors.message.data());
  std::longjmp(errors.back, 1);
}

/// What libjpeg reads over: bytes between two markers, which some cameras write, and notes about
/// colours that it does not know. All other warnings are of data that is damaged or missing.
bool is_harmless(int warning) {
  return warning == JWRN_EXTRANEOUS_DATA || warning == JWRN_ADOBE_XFORM ||
         warning == JWRN_JFIF_MAJOR;
}

void on_message(j_common_ptr info, int severity) {
  if (severity < 0 && !is_harmless(info->err->msg_code)) on_error(info);
}

void on_output(j_common_ptr /*info*/) {}

void on_progress(j_common_ptr info) {
  auto* const decoder = reinterpret_cast<j_decompress_ptr>(info);
  if (decoder->input_scan_number <= kMostScans) return;
  Errors& errors = errors_of(info);
  std::snprintf(errors.message.data(), errors.message.size(), "it has more than %d scans",
                kMostScans);
  std::longjmp(errors.back, 1);
}

/// libjpeg's decoder; frees what it holds.
struct Decoder {
  Decoder() {
    info.err = ::jpeg_std_error(&errors.manager);
    errors.manager.error_exit = on_error;
    errors.manager.emit_message = on_message;
    errors.manager.output_message = on_output;
    progress.progress_monitor = on_progress;
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { ::jpeg_destroy_decompress(&info); }

  Errors errors;
  jpeg_progress_mgr progress{};
  jpeg_decompress_struct info{};
};

/// Reads up to the first scan and chooses the colours that come out. False on an error.
bool read_header(Decoder& decoder, const std::uint8_t* bytes, std::size_t count) {
  if (setjmp(decoder.errors.back) != 0) return false;
  jpeg_decompress_struct& info = decoder.info;
  jpeg_create_decompress(&info);  // clears all but `err`
  info.progress = &decoder.progress;
  ::jpeg_mem_src(&info, bytes, static_cast<unsigned long>(count));
  ::jpeg_read_header(&info, TRUE);
  const bool is_grey = info.jpeg_color_space == JCS_GRAYSCALE;
  info.out_color_space = is_grey ? JCS_GRAYSCALE : JCS_RGB;
  ::jpeg_calc_output_dimensions(&info);
  return true;
}

/// Decodes all rows. False on an error.
bool read_pixels(Decoder& decoder, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(decoder.errors.back) != 0) return false;
  jpeg_decompress_struct& info = decoder.info;
  ::jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + info.output_scanline * row_bytes;
    ::jpeg_read_scanlines(&info, &row, 1);
  }
  // Also what follows the last row must be there.
  ::jpeg_finish_decompress(&info);
  return true;
}

[[noreturn]] void fail(const std::string& name, const Decoder& decoder) {
  throw FormatError(concat(name, ": not a readable JPEG image: ", decoder.errors.message.data()));
}

bool is_cmyk(const jpeg_decompress_struct& info) {
  return info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
}

/// Compares sizes with the file's before anything of that size is asked for.
void require_plausible(const Dims& shape, std::size_t file_size, const std::string& name) {
  const auto decoded = static_cast<std::uint64_t>(element_count(shape));
  if (decoded <= kMaxRatio * file_size + kFreeBytes) return;
  throw FormatError(concat(name, ": the header says ", shape[2], " x ", shape[1],
                           " pixels, too many for a file of ", file_size, " bytes"));
}

}  // namespace

bool has_jpeg() noexcept {
  return true;
}

Tensor decode_jpeg(std::span<const std::uint8_t> bytes, const std::filesystem::path& path,
                   const ShapeCheck& check) {
  const std::string name = path.string();
  Decoder decoder;
  if (!read_header(decoder, bytes.data(), bytes.size())) fail(name, decoder);
  const jpeg_decompress_struct& info = decoder.info;
  if (is_cmyk(info)) {
    throw FormatError(name + ": is a JPEG image in CMYK; convert it to RGB");
  }
  const Dims shape = {info.out_color_components, info.output_height, info.output_width};
  require_plausible(shape, bytes.size(), name);
  check_shape(check, shape, name);
  const auto [channels, height, width] = std::array{shape[0], shape[1], shape[2]};
  // The coefficients of a progressive image, two bytes each, and rows; libjpeg gives up beyond it.
  decoder.info.mem->max_memory_to_use =
      static_cast<long>(4 * (kMaxRatio * bytes.size() + kFreeBytes));
  const Tensor pixels = Tensor::empty({height, width, channels}, DType::uint8);
  if (!read_pixels(decoder, static_cast<std::uint8_t*>(pixels.raw()),
                   static_cast<std::size_t>(width * channels))) {
    fail(name, decoder);
  }
  if (channels == 1) return pixels.view({1, height, width});
  return pixels.permute({2, 0, 1}).contiguous();
}

}  // namespace wick::tools
