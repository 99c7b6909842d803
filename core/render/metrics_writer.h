// Metrics of one source, from the text or from the record of a fragment, as parts of a message that is sent in pieces.
//
// The four kinds of it (text_wire, text_prototext, record_wire, record_prototext) are used alike: begin_family(), then
// for each source start() and write(), or measure() before for the formats that say a length up front. What is measured
// is exactly what is written. Resumable; one owner, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/families.h"
#include "core/render/escape_names.h"

namespace sluice::render {

// Units of work, about 50 ns each, between two looks at the clock.
inline constexpr uint32_t kWorkPerCheck = 64;
// A writer stops when it has staged this much; one step may add some more.
inline constexpr size_t kStageBytes = 16 * 1024;
// A long string is staged in pieces of this length.
inline constexpr size_t kPieceBytes = 4 * 1024;

class MetricsWriter {
 public:
  MetricsWriter() = default;
  MetricsWriter(const MetricsWriter&) = delete;
  MetricsWriter& operator=(const MetricsWriter&) = delete;
  virtual ~MetricsWriter() = default;

  // The family of the sources that follow; the name must stay.
  virtual void begin_family(std::string_view name, model::MetricType type, NameEscaping escaping) = 0;
  // A source: sample lines, or a record whose metrics may have names to be escaped.
  virtual void start(std::string_view source, bool has_quoted_names) = 0;
  // Adds the bytes of all its metrics to `bytes`. True when it is through; false when `work` has come to kWorkPerCheck.
  [[nodiscard]] virtual bool measure(uint64_t& bytes, uint32_t& work) = 0;
  // Appends metrics to `stage`. True when it is through; false when `work` has come to kWorkPerCheck or the stage is
  // full.
  [[nodiscard]] virtual bool write(std::string& stage, uint32_t& work) = 0;
};

}  // namespace sluice::render
