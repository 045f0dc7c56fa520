#include "fhir/xml/narrative.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

namespace fhir::xml {

std::size_t length_of_element(std::string_view text) {
  int open = 0;
  std::size_t at = 0;
  // Past what is no tag, from its start to its end; its end is looked for after its start: "<!-->" is none.
  auto const is_past = [&](std::string_view start, std::string_view end) {
    if (!text.substr(at).starts_with(start)) return false;
    std::size_t const found = text.find(end, at + start.size());
    at = found == std::string_view::npos ? text.size() : found + end.size();
    return true;
  };
  while ((at = text.find('<', at)) != std::string_view::npos) {
    if (is_past("<!--", "-->") || is_past("<![CDATA[", "]]>") || is_past("<?", "?>")) continue;
    bool const closes = text.substr(at).starts_with("</");
    char quote = '\0';
    for (; at < text.size() && (quote != '\0' || text[at] != '>'); ++at) {
      if (quote == '\0' && (text[at] == '"' || text[at] == '\'')) {
        quote = text[at];
      } else if (text[at] == quote) {
        quote = '\0';
      }
    }
    bool const is_empty = text[at - 1] == '/';
    ++at;
    if (closes) {
      --open;
    } else if (!is_empty) {
      ++open;
    }
    if (open == 0) return at;
  }
  return text.size();
}

std::string in_xhtml(std::string_view div) {
  constexpr std::string_view kStart = "<div";
  return fmt::format("{} xmlns=\"{}\"{}", kStart, kXhtml, div.substr(kStart.size()));
}

Result<std::string> div_for_xml(std::string_view div) {
  pugi::xml_document document;
  constexpr unsigned kOptions = pugi::parse_default | pugi::parse_doctype | pugi::parse_fragment |
                                pugi::parse_pi | pugi::parse_comments;
  auto const parsed = document.load_buffer(div.data(), div.size(), kOptions, pugi::encoding_utf8);
  pugi::xml_node const root = document.first_child();
  bool const is_one_div = parsed && root.type() == pugi::node_element &&
                          root.name() == std::string_view("div") && !root.next_sibling() &&
                          div.starts_with("<div") && length_of_element(div) == div.size();
  if (!is_one_div) return error(IssueType::structure, "a narrative must be one div element");
  if (!root.attribute("xmlns")) return in_xhtml(div);
  if (root.attribute("xmlns").value() == kXhtml) return std::string(div);
  return error(IssueType::structure, kNoXhtml);
}

}  // namespace fhir::xml
