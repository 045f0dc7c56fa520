/// The messages of the corpora, found at run time, one by one.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace mappings::language::testing {

struct Sample {
  std::string name;  ///< "folder/file.hl7#2"
  std::string bytes;
};

/// Empty when the corpora are not there (then the test is skipped).
std::vector<Sample> corpus();

/// The message, or nothing where the codec refuses it.
std::optional<hl7v2::Message> parse(std::string_view bytes);

}  // namespace mappings::language::testing
