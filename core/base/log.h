// The log: one line an event on stderr, logfmt or JSON, with the reference's keys (ts, level, caller, msg).
//
// Logging never blocks the caller: lines go through a bounded queue to a thread of its own, the oldest waiting line is
// dropped when it is full (counted), and a reader that does not read its pipe holds up that thread only. Each Reason
// may write 10 lines a second; then one line says how many were left out.
//
// Thread: every function may be called from any thread between start() and stop(); before start() and after stop()
// lines are dropped. Cost of a disabled level: one load.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <source_location>
#include <string>
#include <string_view>

namespace sluice::log {

enum class Level : uint8_t { kDebug, kInfo, kWarn, kError };
enum class Format : uint8_t { kLogfmt, kJson };

// What is limited together. kAlways is for the few lines of start and stop, which are never left out.
enum class Reason : uint8_t {
  kAlways,
  kPushInconsistent,
  kPushMalformed,
  kPushLimit,
  kRequestRefused,
  kConnection,
  kScrape,
  kHelpConflict,
  kRestore,
  kInternal,
  kCount,
};

struct Field {
  std::string_view key;
  std::string value;
};

// Starts the writer thread. `fd` is stderr but for tests.
void start(Level level, Format format, int fd = 2);
// Writes what waits, for at most 200 ms, and ends the writer thread.
void stop();

[[nodiscard]] bool enabled(Level level) noexcept;

void write(Level level, Reason reason, std::string_view message, std::initializer_list<Field> fields = {},
           std::source_location where = std::source_location::current());

// Lines lost because the queue was full, since start.
[[nodiscard]] uint64_t dropped() noexcept;

// One line without its newline, as write() would make it; `unix_ms` is the time of the event.
[[nodiscard]] std::string format_line(Format format, int64_t unix_ms, Level level, std::string_view caller,
                                      std::string_view message, std::initializer_list<Field> fields);

// "debug", "info", "warn", "error"; false when `text` is none of these.
[[nodiscard]] bool parse_level(std::string_view text, Level& out) noexcept;
[[nodiscard]] bool parse_format(std::string_view text, Format& out) noexcept;

}  // namespace sluice::log
