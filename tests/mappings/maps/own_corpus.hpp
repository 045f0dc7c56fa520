/// Our own v2 messages (tests/corpora/v2) and what the tests of the maps ask of a translated one.
#pragma once

#include "mappings/hl7v2/message.hpp"
#include "mappings/language/translator.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::maps::test {

struct OwnMessage {
  std::string structure;  ///< "REF_I12", its folder
  std::string name;       ///< "REF_I12/01-worked-loop"
  std::string bytes;
};

std::filesystem::path own_root();  ///< tests/corpora/v2

/// "REF_I12/01-worked-loop" of every message that the corpus's *.txt files describe.
std::set<std::string> listed_messages();

/// Every message of the corpus in order of its name; throws when the folder is missing.
std::vector<OwnMessage> const& own_messages();
OwnMessage const& own_message(std::string_view name);

hl7v2::Message parse(std::string_view bytes);

/// The partner that all own messages are taken to come from.
language::PartnerProfile sender();

/// A message and its draft, which views into it.
struct Translated {
  explicit Translated(std::string_view bytes);
  hl7v2::Message message;
  language::Draft draft;
};

/// "ref#2.requester/practitioner/name[0].family" or "@order.control" (the first fact of that name): the text
/// there, "" when the way ends.
std::string text_at(language::Draft const& draft, std::string_view path);

}  // namespace mappings::maps::test
