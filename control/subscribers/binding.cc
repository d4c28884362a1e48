// SPDX-License-Identifier: GPL-3.0-or-later
// Packing a binding's texts, and what makes two bindings differ in the store.
#include "control/subscribers/binding.h"

#include <cassert>

namespace sallyport::control {

BindingTexts::BindingTexts(const Parts& parts) {
  std::size_t octets = 0;
  for (const std::string_view part : parts) octets += part.size();
  assert(octets <= kMaxOctets);
  text_.reserve(octets);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    text_ += parts[i];
    ends_[i] = static_cast<std::uint16_t>(text_.size());
  }
}

BindingTexts::Parts BindingTexts::parts() const {
  Parts parts;
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = (*this)[static_cast<Part>(i)];
  return parts;
}

// Call-ID, CSeq and User-Agent may be older in the store: they order requests of one client, and a client
// whose connection ended with the daemon begins anew.
bool same_when_stored(const Binding& before, const Binding& now) {
  const bool datagrams = now.flow.transport == sip::Transport::udp;
  return before.contact() == now.contact() && before.path() == now.path() &&
         before.instance() == now.instance() && before.parameters() == now.parameters() &&
         before.reg_id == now.reg_id && before.q == now.q && before.flow.transport == now.flow.transport &&
         before.flow.listener == now.flow.listener && (!datagrams || before.flow.remote == now.flow.remote);
}

}  // namespace sallyport::control
