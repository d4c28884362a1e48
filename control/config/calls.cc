// SPDX-License-Identifier: GPL-3.0-or-later
// Reading [calls] and [records].
#include "control/config/calls.h"

#include "control/config/section.h"

namespace sallyport::control {

CallsConfig read_calls(ConfigSection section, Limits& limits) {
  CallsConfig calls;
  for (const LimitInfo& about : kLimits) {
    if (about.section != "calls") continue;
    limits.set(about.limit, section.number(about.name, about.standard, about.lowest, about.highest));
  }
  const auto read = [&](std::string_view key, std::uint32_t& value, std::uint32_t lowest,
                        std::uint32_t highest) { value = section.count(key, value, lowest, highest); };
  read("session_expires_s", calls.session_expires_s, 90, 86400);
  read("min_se_s", calls.min_se_s, 90, 86400);  // RFC 4028 §5 allows no less
  read("first_response_s", calls.first_response_s, 1, 32);
  read("progress_s", calls.progress_s, 0, 600);
  read("ring_s", calls.ring_s, 5, 3600);
  read("reconnect_s", calls.reconnect_s, 1, 3600);
  read("max_duration_s", calls.max_duration_s, 0, 604800);
  read("max_forwards", calls.max_forwards, 1, 255);
  read("max_redirects", calls.max_redirects, 0, 100);
  read("max_branches", calls.max_branches, 1, 100);
  read("max_targets", calls.max_targets, 1, 100);
  read("retry_after_s", calls.retry_after_s, 1, 3600);
  calls.guests = section.flag("guests", calls.guests);
  if (calls.session_expires_s < calls.min_se_s)
    section.error("session_expires_s", "must not be less than min_se_s");
  if (calls.max_targets < calls.max_branches)
    section.error("max_targets", "must not be less than max_branches");
  section.finish();
  return calls;
}

RecordsConfig read_records(ConfigSection section) {
  RecordsConfig records;
  records.path = section.text("path", "");
  if (section.has("path") && (records.path.empty() || records.path.front() != '/'))
    section.error("path", "must be an absolute path");
  section.finish();
  return records;
}

}  // namespace sallyport::control
