#include "whistle.hpp"

#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/escape.hpp"

#include <algorithm>
#include <map>

namespace mappings::peers {
namespace {

using fhir::json::Element;

/// The parts by number, from 1, joined; what follows the last that says something is left out.
template <class Text>
std::string joined(Element const& parts, char by, Text const& text) {
  std::size_t last = 0;
  for (auto const& part : parts.members()) {
    if (!part.value.is_null()) last = std::max<std::size_t>(last, std::stoul("0" + std::string(part.name)));
  }
  std::string all;
  for (std::size_t number = 1; number <= last; ++number) {
    if (number > 1) all += by;
    if (Element const* const part = parts.find(std::to_string(number))) all += text(*part);
  }
  return all;
}

std::string leaf(Element const& value) {
  if (value.is_object()) return joined(value, '&', leaf);
  return hl7v2::encode(value.text(), {});
}

std::string component(Element const& value) {
  return value.is_object() ? joined(value, '&', leaf) : leaf(value);
}

std::string field(Element const& value) {
  if (!value.is_array()) return to_repetition(value);
  std::string all;
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (at > 0) all += '~';
    all += to_repetition(value.items()[at]);
  }
  return all;
}

/// Writes what the message holds of a grammar, in its order.
class Writer {
 public:
  std::string bytes;

  void write(hl7v2::GrammarNode const& group, Element const& from) {
    for (hl7v2::GrammarNode const& node : group.children) {
      if (node.is_choice) {
        write(node, from);
      } else if (node.is_group) {
        write_group(node, from);
      } else if (Element const* const found = next(from, node.name)) {
        each(*found, [&](Element const& one) { bytes += to_segment(node.name, one) + "\r"; });
      }
    }
  }

 private:
  template <class Take>
  static void each(Element const& value, Take const& take) {
    if (!value.is_array()) return take(value);
    for (Element const& one : value.items()) take(one);
  }

  void write_group(hl7v2::GrammarNode const& group, Element const& from) {
    if (Element const* const found = from.find(group.name); found != nullptr && !found->is_null())
      return each(*found, [&](Element const& one) { write(group, one); });
    // A group that they do not name: its segments stand beside the others.
    int times = group.max == 1 ? 1 : 2;
    while (times-- > 0) write(group, from);
  }

  /// "PID", or "PID_1" and then "PID_2" where a structure has it twice.
  Element const* next(Element const& from, std::string_view name) {
    std::size_t const number = ++seen_[{&from, std::string(name)}];
    Element const* found = number == 1 ? from.find(name) : nullptr;
    if (found == nullptr) found = from.find(std::string(name) + "_" + std::to_string(number));
    return found == nullptr || found->is_null() ? nullptr : found;
  }

  std::map<std::pair<Element const*, std::string>, std::size_t> seen_;
};

}  // namespace

std::string to_repetition(Element const& value) {
  return value.is_object() ? joined(value, '^', component) : leaf(value);
}

std::string to_segment(std::string_view id, Element const& fields) {
  if (id != "MSH") return std::string(id) + "|" + joined(fields, '|', field);
  std::string const all = joined(fields, '|', field);
  std::size_t begin = 0;  // MSH-1 and MSH-2 as they were are delimiters of their own
  for (int skipped = 0; skipped < 2; ++skipped) begin = std::min(all.find('|', begin), all.size() - 1) + 1;
  return "MSH|^~\\&|" + all.substr(begin);
}

std::string to_message(std::string_view structure, Element const& message) {
  auto const* const root = hl7v2::find_structure(hl7v2::Version::v2_8, structure).root;
  if (root == nullptr) return {};
  Writer writer;
  writer.write(*root, message);
  return writer.bytes;
}

}  // namespace mappings::peers
