// SPDX-License-Identifier: GPL-3.0-or-later
// Starting, filling and ending of captures.
#include "control/media/captures.h"

#include <algorithm>
#include <chrono>

#include <unistd.h>

#include "base/log.h"

namespace sallyport::control {

namespace {

std::uint64_t wall_microseconds() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<std::chrono::microseconds>(system_clock::now().time_since_epoch()).count());
}

bool plain_file_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= 128 && name.front() != '.' && std::ranges::all_of(name, plain);
}

SpecError wrong(ErrorClass error_class, std::string text, std::string field) {
  return {Error{error_class, std::move(text)}, std::move(field)};
}

}  // namespace

Captures::Captures(const Config& config, Limits& limits, const MediaPlane& plane, RelayManager& relays)
    : config_(config), limits_(limits), plane_(plane), relays_(relays) {}

Result<std::string> Captures::file_path(const Key& key, bool opened, const std::string& file) const {
  if (!file.empty() && !plain_file_name(file))
    return fail(ErrorClass::refused, "must be a name of letters, digits, '-', '_' and '.', not a path");
  const std::string made = "relay-" + std::to_string(key.first) + "-" + std::string(name(key.second)) +
                           (opened ? "-opened-" : "-received-") + std::to_string(wall_microseconds()) +
                           ".pcap";
  return config_.debug.capture_directory + "/" + (file.empty() ? made : file);
}

void Captures::start(std::uint64_t relay, Leg leg, bool opened, std::string file, std::uint64_t max_bytes,
                     Answer<CaptureInfo> done) {
  const auto refuse = [&](SpecError why) { done(tl::unexpected(std::move(why))); };
  const Key key{relay, leg};
  if (opened && !config_.debug.allow_decrypted_capture)
    return refuse(
        wrong(ErrorClass::refused, "debug.allow_decrypted_capture is not set in the configuration", "mode"));
  if (!relays_.show(relay))
    return refuse(wrong(ErrorClass::not_found, "there is no relay " + std::to_string(relay), "relay"));
  if (running_.contains(key))
    return refuse(wrong(ErrorClass::refused, "this leg is being captured already", "leg"));
  if (running_.size() >= limits_[Limit::captures])
    return refuse({limits_.refuse(Limit::captures).value(), ""});
  const auto path = file_path(key, opened, file);
  if (!path) return refuse({path.error(), "file"});
  auto created = CaptureFile::create(*path, std::min(max_bytes, limits_[Limit::capture_bytes]));
  if (!created) return refuse({created.error(), "file"});
  running_.emplace(key, Running{++last_id_, opened, 0, std::move(*created)});
  log::info("capture.started",
            {{"capture", last_id_}, {"relay", relay}, {"leg", name(leg)}, {"opened", opened}});
  relays_.capture(relay, leg, !opened, opened, [this, key, done = std::move(done)](const auto& answer) {
    const auto found = running_.find(key);
    if (found == running_.end())
      return done(tl::unexpected(wrong(ErrorClass::not_found, "the relay ended", "relay")));
    if (answer) return done(describe(key, found->second));
    unlink(found->second.file.path().c_str());
    running_.erase(found);
    done(tl::unexpected(answer.error()));
  });
}

void Captures::stop(std::uint64_t id, Answer<CaptureInfo> done) {
  const auto found =
      std::ranges::find_if(running_, [id](const auto& entry) { return entry.second.id == id; });
  if (found == running_.end())
    return done(
        tl::unexpected(wrong(ErrorClass::not_found, "there is no capture " + std::to_string(id), "capture")));
  const Key key = found->first;
  relays_.capture(key.first, key.second, false, false, [this, key, done = std::move(done)](const auto&) {
    // Whatever the worker said, the file ends here; packets under way are let go.
    const auto running = running_.find(key);
    if (running == running_.end())
      return done(
          tl::unexpected(wrong(ErrorClass::not_found, "the capture ended with its relay", "capture")));
    const CaptureInfo last = describe(key, running->second);
    running_.erase(running);
    log::info("capture.stopped", {{"capture", last.id}, {"packets", last.packets}});
    done(last);
  });
}

CaptureInfo Captures::describe(const Key& key, const Running& running) const {
  return {running.id,           key.first,           key.second,
          running.opened,       running.file.path(), running.file.packets(),
          running.file.bytes(), running.not_written};
}

std::vector<CaptureInfo> Captures::list() const {
  std::vector<CaptureInfo> all;
  for (const auto& [key, running] : running_) all.push_back(describe(key, running));
  return all;
}

std::uint64_t Captures::microseconds(std::uint64_t tsc) const {
  const std::uint64_t now = plane_.tsc_now();
  const double age =
      now > tsc ? static_cast<double>(now - tsc) * 1e6 / static_cast<double>(plane_.tsc_hz()) : 0;
  return wall_microseconds() - static_cast<std::uint64_t>(age);
}

void Captures::on_record(const dataplane::CaptureRecord& record) {
  const auto found = running_.find({relay_of(record.flow_id), leg_of(record.flow_id)});
  if (found == running_.end()) return;
  Running& running = found->second;
  if (running.file.write(record, microseconds(record.tsc))) return;
  if (running.not_written++ == 0) limits_.count_refusal(Limit::capture_bytes);
}

void Captures::relay_gone(std::uint64_t relay) {
  for (const Leg leg : {Leg::a, Leg::b}) {
    const auto found = running_.find({relay, leg});
    if (found == running_.end()) continue;
    log::info("capture.ended",
              {{"capture", found->second.id}, {"relay", relay}, {"packets", found->second.file.packets()}});
    running_.erase(found);
  }
}

}  // namespace sallyport::control
