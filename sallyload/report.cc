// SPDX-License-Identifier: GPL-3.0-or-later
// Results as JSON for programs and as lines for people.
#include "sallyload/report.h"

#include <numeric>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace sallyport::sallyload {

namespace json = boost::json;

namespace {

struct MediaField {
  std::string_view name;
  std::uint64_t MediaCounts::*count;
};
constexpr std::array kMediaFields = std::to_array<MediaField>({
    {"sent", &MediaCounts::sent},
    {"received", &MediaCounts::received},
    {"early", &MediaCounts::early},
    {"lost", &MediaCounts::lost},
    {"out_of_order", &MediaCounts::out_of_order},
    {"repeated", &MediaCounts::repeated},
    {"wrong", &MediaCounts::wrong},
    {"unopened", &MediaCounts::unopened},
    {"not_sent", &MediaCounts::not_sent},
});

constexpr double kPerMillisecond = 1000;  // times are kept in microseconds

struct Percentile {
  std::string_view name;
  double share;
};
constexpr std::array kPercentiles = std::to_array<Percentile>({{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}});

json::object times_of(const Histogram& histogram) {
  json::object object{{"count", histogram.count()}};
  for (const Percentile& percentile : kPercentiles)
    object[percentile.name] = histogram.percentile(percentile.share) / kPerMillisecond;
  object["max"] = histogram.max() / kPerMillisecond;
  return object;
}

double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string_view name_of_task(Task task) {
  switch (task) {
    case Task::registrations:
      return "register";
    case Task::calls:
      return "call";
    case Task::options:
      return "options";
  }
  return "";
}

}  // namespace

MediaCounts& MediaCounts::operator+=(const MediaCounts& other) {
  for (const MediaField& field : kMediaFields) this->*field.count += other.*field.count;
  return *this;
}

std::uint64_t Report::failures() const {
  return std::accumulate(failures_.begin(), failures_.end(), std::uint64_t{0});
}

bool Report::complete() const {
  return failures() == 0 && gave_up.empty() && malformed == 0 && started == succeeded && succeeded != 0;
}

std::string Report::json(const Settings& settings) const {
  json::object statuses;
  for (const auto& [key, count] : statuses_)
    statuses[fmt::format("{} {}", sip::name_of(key.first), key.second)] = count;
  json::object failures;
  for (std::size_t i = 0; i < failures_.size(); ++i)
    if (failures_[i] != 0) failures[kFailureNames[i]] = failures_[i];
  json::object latency;
  for (std::size_t i = 0; i < histograms_.size(); ++i)
    if (histograms_[i].count() != 0) latency[kExchangeNames[i]] = times_of(histograms_[i]);
  json::object object{{"task", name_of_task(settings.task)},
                      {"complete", complete()},
                      {"started", started},
                      {"succeeded", succeeded},
                      {"failed", started - succeeded},
                      {"prepared", prepared},
                      {"statuses", std::move(statuses)},
                      {"failures", std::move(failures)},
                      {"latency_ms", std::move(latency)},
                      {"connections", connections},
                      {"resumed", resumed},
                      {"connections_lost", connections_lost},
                      {"malformed", malformed},
                      {"unexpected", unexpected},
                      {"begun_within_s", begun_within_s},
                      {"wall_s", wall_s},
                      {"cpu_s", cpu_s},
                      {"rate", per_second(succeeded, wall_s)}};
  if (settings.media != MediaMode::none) {
    json::object media;
    for (const MediaField& field : kMediaFields) media[field.name] = media_.*field.count;
    object["media"] = std::move(media);
  }
  if (!gave_up.empty()) object["gave_up"] = gave_up;
  if (!first_trouble.empty()) object["first_trouble"] = first_trouble;
  return json::serialize(object);
}

std::string Report::text(const Settings& settings) const {
  std::string text = fmt::format(
      "{}: {} of {} succeeded in {:.2f} s, {:.1f} a second; {:.2f} s of CPU time here\n",
      name_of_task(settings.task), succeeded, started, wall_s, per_second(succeeded, wall_s), cpu_s);
  for (const auto& [key, count] : statuses_)
    text += fmt::format("  {} {}: {}\n", sip::name_of(key.first), key.second, count);
  for (std::size_t i = 0; i < failures_.size(); ++i)
    if (failures_[i] != 0) text += fmt::format("  failed, {}: {}\n", kFailureNames[i], failures_[i]);
  if (malformed != 0) text += fmt::format("  malformed messages: {}\n", malformed);
  for (std::size_t i = 0; i < histograms_.size(); ++i) {
    const Histogram& times = histograms_[i];
    if (times.count() == 0) continue;
    text += fmt::format("  {} ms: p50 {:.2f}, p90 {:.2f}, p99 {:.2f}, max {:.2f}\n", kExchangeNames[i],
                        times.percentile(0.5) / kPerMillisecond, times.percentile(0.9) / kPerMillisecond,
                        times.percentile(0.99) / kPerMillisecond, times.max() / kPerMillisecond);
  }
  if (settings.media != MediaMode::none) {
    text += "  media:";
    for (const MediaField& field : kMediaFields)
      text += fmt::format(" {} {}", field.name, media_.*field.count);
    text += '\n';
  }
  if (!first_trouble.empty()) text += "  first trouble: " + first_trouble + "\n";
  if (!gave_up.empty()) text += "  gave up: " + gave_up + "\n";
  return text;
}

}  // namespace sallyport::sallyload
