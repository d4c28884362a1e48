// SPDX-License-Identifier: GPL-3.0-or-later
// What is in force, what lies in the files, and what is wrong with either.
#include "control/admin/certificate_reply.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/utf8.h"
#include "control/calls/call_record.h"

namespace sallyport::control {

namespace json = boost::json;
using transport::CertificateFacts;
using transport::CertificateWarning;

namespace {

constexpr std::int64_t kDay = 86400;

std::string time_text(std::int64_t seconds) {
  return to_text(RecordTime(std::chrono::seconds(seconds)));
}

json::object facts_object(const CertificateFacts& facts, std::int64_t now) {
  json::object object;
  object["certificate"] = facts.name;
  object["file"] = facts.file;
  object["subject"] = facts.subject;
  object["issuer"] = facts.issuer;
  object["serial"] = facts.serial;
  object["key"] = facts.key;
  object["names"] = json::array(facts.names.begin(), facts.names.end());
  object["domains"] = json::array(facts.domains.begin(), facts.domains.end());
  object["not_before"] = time_text(facts.not_before);
  object["not_after"] = time_text(facts.not_after);
  object["days_left"] = (facts.not_after - now) / kDay;
  object["fingerprint"] = facts.fingerprint;
  return object;
}

json::object warning_object(const CertificateWarning& warning, std::string_view where) {
  return {{"name", warning.name},
          {"where", where},
          {"event", warning.event},
          {"what", warning.text},
          {"urgent", warning.urgent}};
}

struct CertificateVisitor {
  transport::TransportLayer& transport;
  const SipConfig& config;
  std::int64_t now;
  const AdminReply& reply;

  void result(const json::object& object) const { reply.result(valid_utf8(json::serialize(object))); }

  void operator()(request::CertificateList&) const {
    json::array rows;
    for (const CertificateFacts& facts : transport.certificates()) rows.push_back(facts_object(facts, now));
    result({{"certificates", std::move(rows)}});
  }
  void operator()(request::CertificateCheck&) const {
    json::array rows;
    bool urgent = false;
    const auto add = [&](const CertificateWarning& warning, std::string_view where) {
      urgent = urgent || warning.urgent;
      rows.push_back(warning_object(warning, where));
    };
    for (const CertificateWarning& warning : transport.warnings()) add(warning, "in force");
    const auto in_force = transport.certificates();
    for (const transport::CertificateFiles& files : config.transport.tls.certificates) {
      const auto read = transport::load_certificate(files);
      if (!read) {
        add({"certificate.unreadable", files.name, read.error().text, true}, "file");
        continue;
      }
      const auto same = std::ranges::find(in_force, read->facts.fingerprint, &CertificateFacts::fingerprint);
      if (same != in_force.end()) continue;
      add({"certificate.not_in_force", files.name, "the file has another one: cert reload takes it up",
           false},
          "file");
      for (const CertificateWarning& warning : transport::check_certificate(read->facts, now))
        add(warning, "file");
    }
    result({{"certificates", in_force.size()}, {"warnings", std::move(rows)}, {"good", !urgent}});
  }
  void operator()(request::CertificateReload&) const {
    const auto before = transport.certificates();
    if (const auto reloaded = transport.reload(open_settings(config)); !reloaded)
      return reply.refuse({Error{ErrorClass::refused, reloaded.error().text}, ""});
    json::array changed;
    const auto after = transport.certificates();
    for (const CertificateFacts& facts : after)
      if (std::ranges::find(before, facts.fingerprint, &CertificateFacts::fingerprint) == before.end())
        changed.push_back(json::string(facts.name));
    result({{"certificates", after.size()}, {"changed", std::move(changed)}});
  }
};

}  // namespace

void handle(transport::TransportLayer& transport, const SipConfig& config, CertificateRequest& request,
            std::int64_t now, const AdminReply& reply) {
  std::visit(CertificateVisitor{transport, config, now, reply}, request);
}

}  // namespace sallyport::control
