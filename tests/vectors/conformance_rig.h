// SPDX-License-Identifier: GPL-3.0-or-later
// Conformance files made by others, in the folder that the build option `conformance` names.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "tests/vectors/vector_rig.h"

namespace sallyport::crypto::test {

/// The folder, or nothing.
inline std::string conformance_folder() {
  const char* folder = std::getenv("SALLYPORT_CONFORMANCE");
  return folder == nullptr ? "" : folder;
}

/// A test on conformance files reports that it was skipped when there are none.
class Conformance : public testing::Test {
 protected:
  void SetUp() override {
    if (conformance_folder().empty())
      GTEST_SKIP() << "no conformance files: configure with -Dconformance=DIR";
  }
};

inline std::string read_file(const std::string& name) {
  std::ifstream file(conformance_folder() + "/" + name, std::ios::binary);
  if (!file) throw std::runtime_error(name + ": cannot be read");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline boost::json::value read_json(const std::string& name) {
  return boost::json::parse(read_file(name));
}

inline std::string text_of(const boost::json::value& object, const char* key) {
  return std::string(object.at(key).as_string());
}
inline Octets hex_of(const boost::json::value& object, const char* key) {
  return hex(text_of(object, key));
}

inline std::uint32_t number_of(const boost::json::value& object, const char* key) {
  return object.at(key).to_number<std::uint32_t>();
}

}  // namespace sallyport::crypto::test
