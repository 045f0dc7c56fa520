/// The public v2 samples beside the project, found at run time and named after their files.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <string>
#include <vector>

namespace mappings::hl7v2::test {

struct CorpusMessage {
  std::string name;   ///< "cosyte-hl7/canonical/adt-a01.hl7", "...#2" for the second message of a file.
  std::string bytes;  ///< As found, cut at each MSH where a file holds several; batch envelopes left out.
};

/// "" when the shared corpora are absent, so that a test can skip with that reason.
std::string shared_directory();
std::string read_file(std::string const& path);

/// How many v2 files there are, and every message in them, in order of their names.
std::size_t corpus_file_count();
std::vector<CorpusMessage> const& corpus_messages();

/// Parses what a test knows to be a message; fails the test and throws otherwise.
Message parse_or_throw(std::string_view bytes, ParseOptions const& options = {});

}  // namespace mappings::hl7v2::test
