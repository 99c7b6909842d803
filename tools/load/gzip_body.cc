#include <isa-l/igzip_lib.h>

#include <cstdint>

#include "core/base/check.h"
#include "tools/load/body.h"

namespace sluice::tools::load {

void compress_gzip(std::string_view in, std::string& out) {
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uint32_t>(in.size());
  // Stored blocks of at most 64 KiB cost five bytes each; head and trailer 18.
  out.resize(in.size() + in.size() / 4096 + 128);
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = static_cast<uint32_t>(out.size());
  SLUICE_CHECK(isal_deflate_stateless(&stream) == COMP_OK);
  out.resize(stream.total_out);
}

}  // namespace sluice::tools::load
