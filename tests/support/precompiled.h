// SPDX-License-Identifier: GPL-3.0-or-later
// What nearly every test reads, compiled once for each program. Tests still include what they use: Clang
// builds them without this.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
