#include "fhir/path/xhtml.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace fhir::path {

namespace {

constexpr std::string_view kNamespace = "http://www.w3.org/1999/xhtml";
constexpr std::size_t kDepthMax = 128;

constexpr auto kElements = std::to_array<std::string_view>(
    {"a",  "abbr",    "acronym", "address", "area",   "b",        "bdo", "big",   "blockquote",
     "br", "caption", "cite",    "code",    "col",    "colgroup", "dd",  "dfn",   "div",
     "dl", "dt",      "em",      "h1",      "h2",     "h3",       "h4",  "h5",    "h6",
     "hr", "i",       "img",     "kbd",     "li",     "map",      "ol",  "p",     "pre",
     "q",  "samp",    "small",   "span",    "strong", "sub",      "sup", "table", "tbody",
     "td", "tfoot",   "th",      "thead",   "tr",     "tt",       "u",   "ul",    "var"});

constexpr auto kAttributes = std::to_array<std::string_view>(
    {"abbr",        "accesskey",   "align",  "alt",     "axis",     "bgcolor",   "border",
     "cellpadding", "cellspacing", "char",   "charoff", "charset",  "cite",      "class",
     "colspan",     "coords",      "dir",    "frame",   "headers",  "height",    "href",
     "hreflang",    "id",          "ismap",  "lang",    "longdesc", "name",      "nohref",
     "nowrap",      "rel",         "rev",    "rowspan", "rules",    "scope",     "shape",
     "span",        "src",         "start",  "style",   "summary",  "tabindex",  "title",
     "type",        "usemap",      "valign", "width",   "xml:lang", "xml:space", "xmlns"});

// HTML 4's own entities are none of XML; these five and numbers are.
constexpr auto kEntities = std::to_array<std::string_view>({"amp", "apos", "gt", "lt", "quot"});

template <std::size_t N>
bool is_one_of(std::array<std::string_view, N> const& sorted, std::string_view name) {
  return std::ranges::binary_search(sorted, name);
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' || c == '-' ||
         c == '_' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string find() {
    skip_space();
    if (!text_.substr(at_).starts_with("<div")) return "the narrative must be one div";
    while (problem_.empty() && at_ < text_.size()) {
      if (text_[at_] == '<') {
        markup();
      } else {
        content();
      }
      if (open_.empty() && problem_.empty()) {
        skip_space();
        if (at_ < text_.size() && text_.substr(at_).starts_with("<!--")) continue;
        if (at_ < text_.size()) return "nothing may follow the div";
      }
    }
    if (!problem_.empty()) return problem_;
    if (!open_.empty()) return "an element is not closed: " + std::string(open_.back());
    return has_content_ ? std::string() : "the narrative must have some content";
  }

 private:
  void fail(std::string text) {
    if (problem_.empty()) problem_ = std::move(text);
  }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  std::string_view take_name() {
    std::size_t const from = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }

  void check_entities(std::string_view text) {
    for (std::size_t i = text.find('&'); i != std::string_view::npos; i = text.find('&', i + 1)) {
      std::size_t const end = text.find(';', i);
      std::string_view const name =
          end == std::string_view::npos ? std::string_view{} : text.substr(i + 1, end - i - 1);
      bool const is_number = name.size() > 1 && name[0] == '#';
      if (!is_number && !is_one_of(kEntities, name)) return fail("an entity that XML does not have");
    }
  }

  void content() {
    std::size_t const end = std::min(text_.find('<', at_), text_.size());
    std::string_view const text = text_.substr(at_, end - at_);
    has_content_ = has_content_ || !std::ranges::all_of(text, is_space);
    check_entities(text);
    at_ = end;
  }

  void markup() {
    if (take("<!--")) {
      std::size_t const end = text_.find("-->", at_);
      if (end == std::string_view::npos) return fail("a comment is not closed");
      at_ = end + 3;
      return;
    }
    if (text_.substr(at_).starts_with("<!") || text_.substr(at_).starts_with("<?"))
      return fail("only elements, text and comments may stand in a narrative");
    if (take("</")) return end_tag();
    ++at_;
    start_tag();
  }

  void end_tag() {
    std::string_view const name = take_name();
    skip_space();
    if (!take(">")) return fail("a tag is not closed");
    if (open_.empty() || open_.back() != name)
      return fail("an end tag that closes nothing: " + std::string(name));
    open_.pop_back();
  }

  void start_tag() {
    std::string_view const name = take_name();
    if (!is_one_of(kElements, name))
      return fail("an element that narratives do not have: " + std::string(name.substr(0, 32)));
    bool has_namespace = false;
    if (name == "img") has_content_ = true;
    for (;;) {
      skip_space();
      if (take("/>")) {
        break;
      }
      if (take(">")) {
        open_.push_back(name);
        if (open_.size() > kDepthMax) return fail("elements are nested too deep");
        break;
      }
      if (at_ >= text_.size()) return fail("a tag is not closed");
      attribute(name, has_namespace);
      if (!problem_.empty()) return;
    }
    if (open_.size() == 1 && open_.back() == name && !has_namespace && !was_named_)
      return fail("the div needs the namespace of XHTML");
    was_named_ = true;
  }

  void attribute(std::string_view element, bool& has_namespace) {
    std::string_view const name = take_name();
    if (name.empty()) return fail("a character that no tag has");
    skip_space();
    if (!take("=")) return fail("an attribute without a value: " + std::string(name.substr(0, 32)));
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\''))
      return fail("an attribute's value needs quotes");
    char const quote = text_[at_++];
    std::size_t const end = text_.find(quote, at_);
    if (end == std::string_view::npos) return fail("an attribute's value is not closed");
    std::string_view const value = text_.substr(at_, end - at_);
    at_ = end + 1;
    if (name == "xmlns") {
      has_namespace = value == kNamespace;
      if (!has_namespace) fail("a namespace that is not XHTML's");
      return;
    }
    if (name.starts_with("xmlns:")) return;
    if (!is_one_of(kAttributes, name))
      return fail("an attribute that narratives do not have: " + std::string(element) + "." +
                  std::string(name.substr(0, 32)));
    if ((name == "href" || name == "src") && value.starts_with("javascript:"))
      return fail("a link with a script");
    check_entities(value);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string_view> open_;
  std::string problem_;
  bool has_content_ = false;
  bool was_named_ = false;
};

}  // namespace

std::string find_html_problem(std::string_view div) { return Scanner(div).find(); }

}  // namespace fhir::path
