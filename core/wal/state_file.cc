#include "core/wal/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/base/hash.h"
#include "core/wal/bytes.h"

namespace sluice::wal {
namespace {

constexpr std::string_view kMagic = "sluice state 1\r\n";
constexpr size_t kRecordHeadBytes = sizeof(uint32_t) + sizeof(uint64_t);
// What is collected before the disk is asked.
constexpr size_t kBufferBytes = size_t{1} << 20;

std::string system_error(std::string_view doing, const std::string& path) {
  return fmt::format("cannot {} the persistence file {}: {}", doing, path, std::strerror(errno));
}

void put_group(std::string& out, const model::Version& version) {
  put(out, 'G');
  put(out, version.push_time_ns());
  put(out, version.push_failure_time_ns());
  put_string(out, version.label_text());
  put(out, static_cast<uint32_t>(version.shape().size()));
  for (size_t i = 0; i < version.shape().size(); ++i) {
    const model::ShapeFamily& family = version.shape().family(i);
    const model::Fragment fragment = version.fragment(i);
    put_string(out, family.name);
    put_string(out, family.help);
    put(out, static_cast<uint8_t>(family.has_help));
    put(out, static_cast<uint8_t>(family.type));
    put(out, fragment.header().push_time_ns);
    put_string(out, fragment.text());
    put_string(out, fragment.record());
  }
}

bool take_family(Cursor& cursor, StoredFamily& family) {
  family.name = cursor.take_string();
  family.help = cursor.take_string();
  family.has_help = cursor.take<uint8_t>() != 0;
  const auto type = cursor.take<uint8_t>();
  family.type = static_cast<model::MetricType>(type);
  family.push_time_ns = cursor.take<int64_t>();
  family.text = cursor.take_string();
  family.record = cursor.take_string();
  return cursor.ok && type <= static_cast<uint8_t>(model::kMetricTypeLast);
}

// The temporary file: removed unless it took its place.
class Output {
 public:
  explicit Output(const std::string& path) : path_(path), temporary_(path + ".new") {}
  ~Output() {
    if (descriptor_ >= 0) {
      close(descriptor_);
      unlink(temporary_.c_str());
    }
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  [[nodiscard]] bool open() {
    unlink(temporary_.c_str());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return descriptor_ >= 0;
  }
  [[nodiscard]] bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t done = ::write(descriptor_, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(done));
    }
    return true;
  }
  [[nodiscard]] bool finish() {
    if (fsync(descriptor_) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) return false;
    close(descriptor_);
    descriptor_ = -1;
    std::filesystem::path folder = std::filesystem::path(path_).parent_path();
    if (folder.empty()) folder = ".";
    const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_descriptor < 0) return false;
    // Some file systems cannot sync a folder; the file itself is on disk all the same.
    const bool synced = fsync(folder_descriptor) == 0 || errno == EINVAL;
    close(folder_descriptor);
    return synced;
  }

 private:
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace

Result<StateSize, std::string> write_state_file(const std::string& path, const store::Snapshot& snapshot,
                                                store::Writer& writer) {
  Output output(path);
  if (!output.open()) return std::unexpected(system_error("write", path));
  StateSize size;
  std::string buffer(kMagic);
  const auto flush = [&] {
    writer.offline();
    const bool written = output.write(buffer);
    writer.online();
    size.bytes += buffer.size();
    buffer.clear();
    return written;
  };
  const auto record = [&](auto fill) {
    const size_t head = buffer.size();
    buffer.append(kRecordHeadBytes, '\0');
    fill();
    const std::string_view payload = std::string_view(buffer).substr(head + kRecordHeadBytes);
    const auto bytes = static_cast<uint32_t>(payload.size());
    const uint64_t hash = stable_hash(payload);
    std::memcpy(buffer.data() + head, &bytes, sizeof(bytes));
    std::memcpy(buffer.data() + head + sizeof(bytes), &hash, sizeof(hash));
  };
  for (const store::Snapshot::Bucket& bucket : snapshot.buckets()) {
    for (const store::Snapshot::Chunk& chunk : bucket.chunks) {
      for (const model::Version* version : chunk) {
        record([&] { put_group(buffer, *version); });
        ++size.groups;
        if (buffer.size() >= kBufferBytes && !flush()) return std::unexpected(system_error("write", path));
      }
    }
  }
  record([&] {
    put(buffer, 'E');
    put(buffer, size.groups);
  });
  if (!flush() || !output.finish()) return std::unexpected(system_error("write", path));
  return size;
}

StateFileReader::StateFileReader() = default;
StateFileReader::~StateFileReader() = default;

void StateFileReader::Closer::operator()(std::FILE* file) const noexcept { std::fclose(file); }

bool StateFileReader::read(void* to, size_t bytes) {
  if (bytes > left_ || std::fread(to, 1, bytes, file_.get()) != bytes) return false;
  left_ -= bytes;
  return true;
}

Result<bool, std::string> StateFileReader::open(const std::string& path) {
  path_ = path;
  groups_ = 0;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return false;
  if (descriptor < 0) return std::unexpected(system_error("read", path));
  file_.reset(fdopen(descriptor, "rb"));
  struct stat status{};
  if (fstat(descriptor, &status) != 0) return std::unexpected(system_error("read", path));
  left_ = S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0;
  char magic[kMagic.size()];
  if (!read(magic, sizeof(magic)) || std::string_view(magic, sizeof(magic)) != kMagic) {
    return std::unexpected(fmt::format(
        "the persistence file {} was not written by sluice and is left as it is; move it away or give another path",
        path));
  }
  return true;
}

Result<bool, std::string> StateFileReader::next(StoredGroup& group) {
  const auto damaged = [this] {
    return std::unexpected(
        fmt::format("the persistence file {} is damaged behind group {} and is left as it is; move it away to start "
                    "without it",
                    path_, groups_));
  };
  uint32_t bytes = 0;
  uint64_t hash = 0;
  if (!read(&bytes, sizeof(bytes)) || !read(&hash, sizeof(hash)) || bytes > left_) return damaged();
  payload_.resize(bytes);
  if (!read(payload_.data(), bytes) || stable_hash(payload_) != hash) return damaged();
  Cursor cursor{payload_};
  const char kind = cursor.take<char>();
  if (kind == 'E') {
    const auto groups = cursor.take<uint64_t>();
    if (!cursor.ok || groups != groups_ || left_ != 0) return damaged();
    return false;
  }
  if (kind != 'G') return damaged();
  group.push_time_ns = cursor.take<int64_t>();
  group.push_failure_time_ns = cursor.take<int64_t>();
  group.label_text = cursor.take_string();
  const auto families = cursor.take<uint32_t>();
  group.families.clear();
  for (uint32_t i = 0; i < families && cursor.ok; ++i) {
    if (!take_family(cursor, group.families.emplace_back())) return damaged();
  }
  if (!cursor.ok || !cursor.rest.empty()) return damaged();
  ++groups_;
  return true;
}

}  // namespace sluice::wal
