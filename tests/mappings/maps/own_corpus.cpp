#include "own_corpus.hpp"

#include "fhir/json/writer.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mappings::maps::test {

namespace {

using fhir::json::Element;

std::vector<OwnMessage> load() {
  std::vector<OwnMessage> messages;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(own_root())) {
    if (entry.path().extension() != ".hl7") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    std::string const structure = entry.path().parent_path().filename().string();
    messages.push_back({structure, structure + "/" + entry.path().stem().string(), bytes.str()});
  }
  std::ranges::sort(messages, {}, &OwnMessage::name);
  return messages;
}

language::Draft draft_of(hl7v2::Message const& message) {
  auto draft = language::forward(language::builtin(), message, sender());
  if (!draft) throw std::runtime_error(fhir::to_line(draft.error()));
  return std::move(*draft);
}

std::size_t number_in(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// One name with its optional index: "name[0]".
Element const* step(Element const& from, std::string_view name) {
  auto const bracket = name.find('[');
  Element const* const found = from.find(name.substr(0, bracket));
  if (found == nullptr || bracket == std::string_view::npos) return found;
  std::size_t const index = number_in(name.substr(bracket + 1));
  return index < found->size() ? &found->items()[index] : nullptr;
}

Element const* follow(language::Draft const& draft, Element const& reference) {
  std::string_view const target = reference.text_at("reference");
  if (!target.starts_with('~')) return nullptr;
  std::size_t const index = number_in(target.substr(1));
  return index < draft.resources.size() ? &draft.resources[index].content : nullptr;
}

}  // namespace

std::filesystem::path own_root() { return std::filesystem::path(HANDOFF_SOURCE_DIR) / "tests/corpora/v2"; }

std::set<std::string> listed_messages() {
  std::set<std::string> names;
  for (auto const& entry : std::filesystem::directory_iterator(own_root())) {
    // differences.txt lists what some of them lose, by file name.
    if (entry.path().extension() != ".txt" || entry.path().stem() == "differences") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("== ")) names.insert(line.substr(3, line.find(' ', 3) - 3));
    }
  }
  return names;
}

std::vector<OwnMessage> const& own_messages() {
  static std::vector<OwnMessage> const messages = load();
  return messages;
}

OwnMessage const& own_message(std::string_view name) {
  auto const found = std::ranges::find(own_messages(), name, &OwnMessage::name);
  if (found == own_messages().end()) throw std::runtime_error("no message " + std::string(name));
  return *found;
}

hl7v2::Message parse(std::string_view bytes) {
  fhir::Issues warnings;
  hl7v2::ParseOptions options;
  options.allow_utf16 = true;  // they are files
  auto message = hl7v2::Message::parse(bytes, options, warnings);
  if (!message) throw std::runtime_error(fhir::to_line(message.error()));
  return std::move(*message);
}

language::PartnerProfile sender() {
  language::PartnerProfile profile;
  profile.name = "site";
  return profile;
}

Translated::Translated(std::string_view bytes) : message(parse(bytes)), draft(draft_of(message)) {}

std::string text_at(language::Draft const& draft, std::string_view path) {
  if (path.starts_with('@')) return std::string(draft.fact(path.substr(1)));
  std::size_t at = std::min(path.find_first_of("./"), path.size());
  std::string_view const owner = path.substr(0, at);
  auto const hash = owner.find('#');
  auto const instance = hash == std::string_view::npos ? 1 : number_in(owner.substr(hash + 1));
  auto const* const resource = draft.find(owner.substr(0, hash), static_cast<std::uint32_t>(instance));
  Element const* here = resource == nullptr ? nullptr : &resource->content;
  while (here != nullptr && at < path.size()) {
    if (path[at] == '/') here = follow(draft, *here);
    std::size_t const begin = at + 1;
    at = std::min(path.find_first_of("./", begin), path.size());
    if (here != nullptr) here = step(*here, path.substr(begin, at - begin));
  }
  return here == nullptr ? std::string() : std::string(here->text());
}

}  // namespace mappings::maps::test
