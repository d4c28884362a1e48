// SPDX-License-Identifier: GPL-3.0-or-later
// A window of requests on their way.
#include "sallyctl/batch.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>

#include <boost/json/parse.hpp>

#include "base/secret.h"
#include "sallyctl/commands.h"

namespace sallyport::sallyctl {

namespace json = boost::json;

namespace {

constexpr std::size_t kBatchWindow = 1024;  ///< requests sent before their answers are read

/// Sends lines, reads answers, remembers the first refusal.
class Batch {
 public:
  Batch(Client& client, const BatchKind& kind, bool json) : client_(client), kind_(kind), json_(json) {}

  void add(std::string& line) {
    json::error_code failure;
    json::value params = json::parse(line, failure);
    wipe(line.data(), line.size());
    ++line_;
    if (failure || !params.is_object())
      throw Failure{ExitCode::usage, "line " + std::to_string(line_) + " is not a JSON object"};
    client_.send(kind_.method, params.get_object());
    ++waiting_;
    while (waiting_ >= kBatchWindow || (waiting_ > 0 && client_.answer_waits())) take_answer();
  }
  void finish() {
    while (waiting_ > 0) take_answer();
    if (!json_) std::printf("%zu %s added, %zu refused\n", added_, kind_.things, refused_);
    if (first_refusal_) throw Failure{*first_refusal_};
  }

 private:
  void take_answer() {
    json::object answer = client_.receive();
    --waiting_;
    if (json_) print_json(answer);
    try {
      (void)Client::result_of(std::move(answer));
      ++added_;
    } catch (Failure& failure) {
      ++refused_;
      if (failure.code == ExitCode::no_permission) throw;
      if (!first_refusal_) first_refusal_ = std::move(failure);
    }
  }

  Client& client_;
  const BatchKind& kind_;
  bool json_;
  std::size_t line_ = 0, waiting_ = 0, added_ = 0, refused_ = 0;
  std::optional<Failure> first_refusal_;
};

}  // namespace

void run_batch(Client& client, const BatchKind& kind, const std::string& path, bool json) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) throw Failure{ExitCode::usage, "cannot read " + path};
  }
  std::istream& lines = path == "-" ? std::cin : file;
  Batch batch(client, kind, json);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) batch.add(line);
  batch.finish();
}

}  // namespace sallyport::sallyctl
