#include "tests/core/wal/simulated_life.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/wal/snapshot_file.h"
#include "net/api/restore.h"

namespace sluice::wal::testing {
namespace {

using store::ChangeKind;

store::Options store_options() {
  store::Options options;
  options.writers_max = SimulatedLife::kLogs + 2;
  return options;
}

LogOptions log_options(uint64_t segment_bytes) {
  LogOptions options;
  options.fsync = Fsync::kAlways;
  options.segment_bytes = segment_bytes;
  return options;
}

// Values are numbers of the whole test, so that each is sent once.
int64_t next_value() {
  static int64_t value = 0;
  return ++value;
}

}  // namespace

SimulatedLife::SimulatedLife(SimulatedDisk& disk, History& history, uint64_t segment_bytes)
    : disk_(disk),
      history_(history),
      storage_(disk.open()),
      store_(store_options()),
      options_(log_options(segment_bytes)) {}

SimulatedLife::~SimulatedLife() {
  for (auto& client : clients_) client->writer().set_journal(nullptr);
}

bool SimulatedLife::start(bool after_power_cut) {
  const auto entries = storage_->list();
  for (const DirectoryEntry& entry : *entries) {
    uint32_t worker = 0;
    uint64_t number = 0;
    if (parse_segment_name(entry.name, worker, number)) first_sequence_ = std::max(first_sequence_, number + 1);
  }
  logs_ = std::make_unique<LogSet>(*storage_, store_, options_, kLogs, first_sequence_);
  if (!logs_->keep()) return false;
  recovery_ = std::make_unique<Recovery>(*storage_);
  if (const auto read = recovery_->read(1); !read) {
    wrong_ = read.error();
    return false;
  }
  found_ = recovery_->figures();
  store_.continue_stamps_after(found_.stamp_max);
  const Groups groups = restore();
  if (wrong_.empty()) wrong_ = history_.check(groups, after_power_cut);
  if (!wrong_.empty()) return false;
  history_.restart(groups, found_.stamp_max, after_power_cut);
  first_mutation_ = history_.size();
  if (!recovery_->make_durable()) return false;
  recovery_->remove_empty(first_sequence_);
  const bool logged = found_.logged != 0;
  const bool damaged = !found_.damages.empty();
  if (!damaged) recovery_.reset();
  if ((logged || damaged) && !snapshot(logs_->present_sequences())) return false;
  for (uint32_t log = 0; log < kLogs; ++log) {
    clients_.push_back(std::make_unique<store::testing::Client>(store_));
    clients_.back()->writer().set_journal(&logs_->log(log));
  }
  return true;
}

Groups SimulatedLife::restore() {
  Groups groups;
  store::Writer writer(store_);
  net::api::Restore restore(writer, true);
  recovery_->for_each_group(0, [&](const StoredGroup& group) {
    Families& families = groups[std::string(group.label_text)];
    for (const StoredFamily& family : group.families) {
      const size_t space = family.text.rfind(' ');
      families[std::string(family.name)] = family.text.substr(space + 1, family.text.size() - space - 2);
    }
    if (!restore.group(group)) wrong_ = "a group cannot be restored";
  });
  return groups;
}

void SimulatedLife::turn() {
  for (uint32_t index = 0; index < kLogs; ++index) {
    Log& log = logs_->log(index);
    log.flush();
    if (File* const file = log.wants_sync(0); file != nullptr) {
      log.sync_started(0);
      log.sync_done(file->sync(), 1);
    }
  }
  static_cast<void>(logs_->keep());
  if (logs_->wants_snapshot()) static_cast<void>(take_snapshot());
  for (auto& client : clients_) client->writer().quiescent();
  observe();
}

void SimulatedLife::observe() {
  for (size_t index = first_mutation_; index < history_.size(); ++index) {
    Mutation& mutation = history_.at(index);
    mutation.in_process |= logs_->is_written(mutation.stamp);
    mutation.on_disk |= logs_->acknowledged(mutation.stamp) == LogSet::Acknowledged::kYes;
  }
}

bool SimulatedLife::change(uint32_t log, ChangeKind kind, int group, const std::vector<std::string>& families) {
  const store::testing::Labels labels = {{"job", fmt::format("j{}", group)}};
  Mutation mutation;
  mutation.kind = kind;
  mutation.group = fmt::format("instance=\"\",job=\"j{}\"", group);
  if (kind == ChangeKind::kErase) {
    const store::EraseResult erased = clients_[log]->erase(labels);
    if (erased.status != store::EraseResult::Status::kDone) return false;
    mutation.stamp = erased.stamp;
  } else {
    for (const std::string& name : families) mutation.families[name] = std::to_string(next_value());
    if (!push(log, mutation, labels)) return false;
  }
  const size_t index = history_.add(std::move(mutation));
  turn();
  turn();
  return history_.at(index).on_disk;
}

bool SimulatedLife::push(uint32_t log, Mutation& mutation, const store::testing::Labels& labels) {
  std::string body;
  for (const auto& [name, value] : mutation.families) body += fmt::format("{} {}\n", name, value);
  const store::testing::Pushed pushed(labels, body);
  store::PushOp op;
  op.start(clients_[log]->writer(), pushed.request(mutation.kind == ChangeKind::kPut, next_value()));
  while (op.step(Deadline::never()) != store::StepResult::kDone) turn();
  mutation.stamp = op.result().stamp;
  return op.result().status == store::PushStatus::kOk;
}

bool SimulatedLife::settle() {
  for (int i = 0; i < 20 && !disk_.crashed(); ++i) {
    turn();
    if (!logs_->failed() && logs_->is_durable(store_.last_stamp())) return true;
  }
  return false;
}

bool SimulatedLife::take_snapshot() { return snapshot(logs_->present_sequences()); }

bool SimulatedLife::snapshot(const std::vector<uint64_t>& present) {
  store::testing::Client reader(store_);
  const auto quiesce = [&] {
    for (auto& client : clients_) client->writer().quiescent();
    reader.writer().quiescent();
  };
  const uint64_t stamp = store_.last_stamp();
  const uint64_t grace = reader.writer().begin_grace();
  while (!reader.writer().grace_passed(grace)) quiesce();
  store::SnapshotRequest request;
  request.start(reader.writer());
  while (request.step(Deadline::never()) != store::StepResult::kDone) quiesce();
  store::SnapshotRef snapshot = request.take();
  const auto written = write_snapshot(*storage_, stamp, *snapshot, reader.writer());
  snapshot.release();
  if (!written) return false;
  logs_->healed(stamp);
  for (size_t index = first_mutation_; index < history_.size(); ++index) {
    if (history_.at(index).stamp <= stamp) history_.at(index).on_disk = true;
  }
  if (recovery_ != nullptr) {
    if (!recovery_->set_aside()) return false;
    recovery_.reset();
  }
  return remove_covered(*storage_, stamp, present, first_sequence_).has_value();
}

bool SimulatedLife::finish() {
  bool logged = true;
  for (uint32_t log = 0; log < kLogs; ++log) logged &= logs_->log(log).finish();
  observe();
  logs_->remove_unused();
  return snapshot(std::vector<uint64_t>(kLogs, UINT64_MAX)) || logged;
}

}  // namespace sluice::wal::testing
