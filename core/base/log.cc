#include "core/base/log.h"

#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>

#include "core/base/clock.h"
#include "core/base/limits.h"

namespace sluice::log {
namespace {

// Set before stop() waits for the queue, so that a full pipe cannot hold up the end of the process.
struct StopTime {
  std::mutex mutex;
  int64_t at_ns = INT64_MAX;
  int64_t get() {
    const std::scoped_lock lock(mutex);
    return at_ns;
  }
  void set(int64_t value) {
    const std::scoped_lock lock(mutex);
    at_ns = value;
  }
};
StopTime give_up_at;

// Writes whole lines to a descriptor whose reader may be slow. Runs on the writer thread only.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit DescriptorSink(int fd) : fd_(fd) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line(message.payload.data(), message.payload.size());
    line += '\n';
    size_t written = 0;
    while (written < line.size()) {
      const bool late = monotonic_ns() >= give_up_at.get();
      pollfd ready{fd_, POLLOUT, 0};
      const int count = poll(&ready, 1, late ? 0 : 50);
      if (count > 0) {
        // A pipe that polls writable takes PIPE_BUF bytes without blocking; longer lines go in pieces.
        const size_t piece = std::min<size_t>(line.size() - written, 4096);
        const ssize_t put = ::write(fd_, line.data() + written, piece);
        if (put < 0 && errno != EINTR && errno != EAGAIN) return;
        if (put > 0) written += static_cast<size_t>(put);
      }
      if (count <= 0 && late) return;
    }
  }
  void flush_() override {}

 private:
  int fd_;
};

// Counts the lines of one reason in the current second.
struct Window {
  int64_t second = 0;
  uint32_t lines = 0;
  uint64_t left_out = 0;
};

struct Logger {
  std::mutex mutex;  // guards windows and the pointers
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::logger> out;
  std::array<Window, static_cast<size_t>(Reason::kCount)> windows;
  Format format = Format::kLogfmt;
};

Logger& logger() {
  static Logger instance;
  return instance;
}

// Written by start() before any worker exists, read by all.
Level least_level = Level::kError;

constexpr std::string_view kLevelNames[] = {"debug", "info", "warn", "error"};

std::string timestamp(int64_t unix_ms) {
  const auto at = std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(unix_ms));
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

// Escapes as a JSON string; logfmt quotes with the same rules.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '=' || c == '"' || c == '\\' || c == 0x7f) return true;
  }
  return false;
}

void append_pair(std::string& out, Format format, std::string_view key, std::string_view value) {
  if (format == Format::kJson) {
    out += out.empty() ? '{' : ',';
    append_quoted(out, key);
    out += ':';
    append_quoted(out, value);
    return;
  }
  if (!out.empty()) out += ' ';
  out += key;
  out += '=';
  if (needs_quotes(value)) {
    append_quoted(out, value);
  } else {
    out += value;
  }
}

std::string caller_of(const std::source_location& where) {
  std::string_view file = where.file_name();
  if (const size_t slash = file.rfind('/'); slash != std::string_view::npos) file.remove_prefix(slash + 1);
  return fmt::format("{}:{}", file, where.line());
}

// True when the line may go out; `left_out` is what an ended second withheld.
bool admit(Window& window, uint64_t& left_out) {
  const int64_t second = monotonic_ns() / 1'000'000'000;
  if (second != window.second) {
    left_out = window.left_out;
    window = {second, 0, 0};
  }
  if (window.lines >= limits::kLogLinesPerSecond) {
    ++window.left_out;
    return false;
  }
  ++window.lines;
  return true;
}

}  // namespace

void start(Level level, Format format, int fd) {
  Logger& self = logger();
  const std::scoped_lock lock(self.mutex);
  least_level = level;
  self.format = format;
  give_up_at.set(INT64_MAX);
  self.pool = std::make_shared<spdlog::details::thread_pool>(limits::kLogQueueLines, 1);
  self.out = std::make_shared<spdlog::async_logger>("sluice", std::make_shared<DescriptorSink>(fd), self.pool,
                                                    spdlog::async_overflow_policy::overrun_oldest);
  self.out->set_level(spdlog::level::trace);
}

void stop() {
  Logger& self = logger();
  give_up_at.set(monotonic_ns() + 200'000'000);
  std::shared_ptr<spdlog::logger> out;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  {
    const std::scoped_lock lock(self.mutex);
    out.swap(self.out);
    pool.swap(self.pool);
  }
}

bool enabled(Level level) noexcept { return level >= least_level; }

void write(Level level, Reason reason, std::string_view message, std::initializer_list<Field> fields,
           std::source_location where) {
  if (!enabled(level)) return;
  Logger& self = logger();
  std::shared_ptr<spdlog::logger> out;
  uint64_t left_out = 0;
  {
    const std::scoped_lock lock(self.mutex);
    if (!self.out) return;
    if (reason != Reason::kAlways && !admit(self.windows[static_cast<size_t>(reason)], left_out)) return;
    out = self.out;
  }
  const int64_t now_ms = wall_ns() / 1'000'000;
  if (left_out > 0) {
    out->info(format_line(self.format, now_ms, Level::kWarn, caller_of(where), "similar lines left out",
                          {{"count", std::to_string(left_out)}}));
  }
  out->info(format_line(self.format, now_ms, level, caller_of(where), message, fields));
}

uint64_t dropped() noexcept {
  Logger& self = logger();
  const std::scoped_lock lock(self.mutex);
  return self.pool ? self.pool->overrun_counter() : 0;
}

std::string format_line(Format format, int64_t unix_ms, Level level, std::string_view caller, std::string_view message,
                        std::initializer_list<Field> fields) {
  std::string line;
  append_pair(line, format, "ts", timestamp(unix_ms));
  append_pair(line, format, "level", kLevelNames[static_cast<size_t>(level)]);
  append_pair(line, format, "caller", caller);
  append_pair(line, format, "msg", message);
  for (const Field& field : fields) append_pair(line, format, field.key, field.value);
  if (format == Format::kJson) line += '}';
  return line;
}

bool parse_level(std::string_view text, Level& out) noexcept {
  for (size_t i = 0; i < std::size(kLevelNames); ++i) {
    if (text == kLevelNames[i]) {
      out = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

bool parse_format(std::string_view text, Format& out) noexcept {
  if (text == "logfmt") out = Format::kLogfmt;
  if (text == "json") out = Format::kJson;
  return text == "logfmt" || text == "json";
}

}  // namespace sluice::log
