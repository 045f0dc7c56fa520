/// A folder of one test's own, gone with it; kept when the test failed, so that its database and logs can be
/// looked at.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <stdlib.h>
#include <string>

namespace support {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "handoff-faults-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder can be made at " + pattern);
    path_ = pattern;
  }
  ~TempFolder() {
    if (::testing::Test::HasFailure()) {
      std::cout << "kept for a look: " << path_ << std::endl;
      return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(TempFolder const&) = delete;
  TempFolder& operator=(TempFolder const&) = delete;

  std::string file(std::string const& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace support
