// SPDX-License-Identifier: GPL-3.0-or-later
// A request line may hold anything: it becomes a request that passed every check, or a refusal of one line.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/admin/protocol.h"

using namespace sallyport::control;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = parse_request({reinterpret_cast<const char*>(data), size});
  if (!request) {
    const std::string line = error_line(request.error().id, request.error().refusal);
    if (line.find('\n') != line.size() - 1) std::abort();
    return 0;
  }
  if (const auto* add = std::get_if<request::RelayAdd>(&request->body))
    if (check(add->spec)) std::abort();
  return 0;
}
