// SPDX-License-Identifier: GPL-3.0-or-later
// Router: from a Request-URI and who asks to the places to try, in order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "control/calls/trunks.h"
#include "control/config/config.h"
#include "control/subscribers/registrar.h"
#include "control/subscribers/user_directory.h"

namespace sallyport::control {

/// Who calls whom. At most one of `user` and `trunk`; neither: a guest.
struct RouteQuery {
  std::string_view request_uri;
  std::string_view from_side;
  const User* user = nullptr;    ///< authenticated
  const Trunk* trunk = nullptr;  ///< that the request came from
  WallTime now{};
};

/// A place to try: either `contacts` or `trunk`.
struct RouteTarget {
  /// Targets of one stage may be tried at once, those of the next when all of them have failed.
  unsigned stage = 0;
  std::string request_uri;
  std::string aor;  ///< of the called user, for contacts
  /// The contact, then further flows to the same instance: each for when the flow before has failed (RFC 5626
  /// §7), never when the instance itself refused. Their own contact is the Request-URI.
  std::vector<Target> contacts;
  TrunkPtr trunk;
  std::string route;  ///< by which rule, for people: `registered`, `+49 -> carriers`
};

struct RouteRefusal {
  unsigned status = 404;
  std::string reason;               ///< the reason phrase
  std::uint32_t retry_after_s = 0;  ///< 0: none is told
};

/// The control thread's.
class Router {
 public:
  /// Null where there is no [store]: then nobody is registered.
  struct Subscriptions {
    const UserDirectory* users = nullptr;
    const Registrar* registrar = nullptr;
  };
  /// All outlive the object.
  Router(const Config& config, Subscriptions subscriptions, Trunks& trunks);

  /// At least one target. Trunks are only for users and trunks: there is no way through for anybody else.
  [[nodiscard]] tl::expected<std::vector<RouteTarget>, RouteRefusal> route(const RouteQuery& query) const;

  /// Whether a host is one of our domains or the address of a listener.
  [[nodiscard]] bool is_ours(std::string_view host) const;

 private:
  using Routed = tl::expected<std::vector<RouteTarget>, RouteRefusal>;
  struct Called;

  [[nodiscard]] tl::expected<Called, RouteRefusal> take_apart(std::string_view uri) const;
  [[nodiscard]] std::string local_aor(const Called& called, std::string_view user) const;
  [[nodiscard]] Routed to_registered(std::string_view aor, const Called& called,
                                     const RouteQuery& query) const;
  [[nodiscard]] Routed to_user(const RouteConfig& route, const Called& called, const RouteQuery& query) const;
  [[nodiscard]] Routed to_trunks(const RouteConfig& route, const Called& called,
                                 const RouteQuery& query) const;
  [[nodiscard]] Routed follow(const RouteConfig& route, const Called& called, const RouteQuery& query) const;

  const Config& config_;
  Subscriptions subscriptions_;
  Trunks& trunks_;
};

}  // namespace sallyport::control
