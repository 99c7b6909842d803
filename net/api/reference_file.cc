#include "net/api/reference_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/model/label_text.h"
#include "net/api/reference_family.h"
#include "parser/quote.h"

namespace sluice::net::api {

using Step = parser::GobGroups::Step;

ReferenceFile::~ReferenceFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<ReferenceFile::Kind, std::string> ReferenceFile::open(const std::string& path) {
  path_ = path;
  const auto unreadable = [&] {
    return std::unexpected(fmt::format("cannot read the persistence file {}: {}", path, std::strerror(errno)));
  };
  // Not to wait for whoever writes into a pipe.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0 && errno == ENOENT) return Kind::kMissing;
  if (descriptor_ < 0 || fstat(descriptor_, &status_) != 0) return unreadable();
  if (!S_ISREG(status_.st_mode)) return Kind::kOther;
  groups_ = std::make_unique<parser::GobGroups>(bytes());
  const auto first = step();
  if (!groups_->is_gob()) return Kind::kOther;
  if (!first) return std::unexpected(first.error());
  group_waits_ = *first == Step::kGroup;
  at_end_ = *first == Step::kEnd;
  return Kind::kReference;
}

std::string ReferenceFile::damaged(std::string_view why) const {
  return fmt::format("the persistence file {} is a gob file that cannot be imported, and is left as it is: {}", path_,
                     why);
}

Result<Step, std::string> ReferenceFile::step() {
  while (true) {
    const std::string_view window = std::string_view(window_).substr(groups_->offset() - window_at_);
    switch (const Step step = groups_->step(window, group_); step) {
      case Step::kGroup:
      case Step::kEnd:
        return step;
      case Step::kError:
        return std::unexpected(damaged(groups_->error()));
      case Step::kMore:
        break;
    }
    const auto more = refill();
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::unexpected(damaged("it became shorter while it was read"));
  }
}

Result<bool, std::string> ReferenceFile::refill() {
  window_.erase(0, groups_->offset() - window_at_);
  window_at_ = groups_->offset();
  const size_t had = window_.size();
  // At least twice of what was not enough: a long group is looked at a logarithmic number of times.
  window_.resize(std::max(kWindowBytes, 2 * had));
  size_t bytes = had;
  while (bytes < window_.size()) {
    const ssize_t done =
        pread(descriptor_, window_.data() + bytes, window_.size() - bytes, static_cast<off_t>(window_at_ + bytes));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      return std::unexpected(fmt::format("cannot read the persistence file {}: {}", path_, std::strerror(errno)));
    }
    if (done == 0) break;
    bytes += static_cast<size_t>(done);
  }
  window_.resize(bytes);
  return bytes > had;
}

Result<bool, std::string> ReferenceFile::next(wal::StoredGroup& group) {
  if (at_end_) return false;
  if (!group_waits_) {
    const auto stepped = step();
    if (!stepped) return std::unexpected(stepped.error());
    at_end_ = *stepped == Step::kEnd;
    if (at_end_) return false;
  }
  group_waits_ = false;
  convert(group);
  return true;
}

void ReferenceFile::convert(wal::StoredGroup& group) {
  left_out_.clear();
  memory_.clear();
  key_ = model::GroupKey::from_labels(group_.labels);
  label_text_.clear();
  model::append_label_text(label_text_, key_);
  group.label_text = label_text_;
  group.push_time_ns = 0;
  group.push_failure_time_ns = 0;
  group.families.clear();
  for (const parser::GobFamily& family : group_.families) take_family(family, group);
}

void ReferenceFile::take_family(const parser::GobFamily& family, wal::StoredGroup& group) {
  const auto leave_out = [&](std::string_view why) {
    left_out_.push_back(fmt::format("the family {}: {}", parser::go_quoted(family.name), why));
  };
  const bool is_push = family.name == "push_time_seconds";
  if (is_push || family.name == "push_failure_time_seconds") {
    const auto time = stored_push_time(family);
    if (!time) return leave_out(time.error());
    (is_push ? group.push_time_ns : group.push_failure_time_ns) = *time;
    return;
  }
  const auto stored = stored_family(family, memory_.emplace_back());
  if (!stored) return leave_out(stored.error());
  group.families.push_back(*stored);
}

}  // namespace sluice::net::api
