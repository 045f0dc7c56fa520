#include "fhir/validate/locate.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fhir::validate {

namespace {

constexpr int kDepthMax = 128;
constexpr std::size_t kNowhere = std::string_view::npos;

/// The elements that are looked for, as a tree of the steps of their expressions.
struct Wanted {
  std::map<std::pair<std::string, int>, std::unique_ptr<Wanted>> children;  // index -1: does not repeat
  std::size_t at = kNowhere;

  Wanted& child(std::string_view name, int index) {
    auto& found = children[{std::string(name), index}];
    if (found == nullptr) found = std::make_unique<Wanted>();
    return *found;
  }
};

struct Step {
  std::string_view name;
  int index = -1;
};

/// "Patient.name[1].given[0]" without its first step, which is the resource itself.
std::vector<Step> steps_of(std::string_view expression) {
  std::vector<Step> steps;
  bool is_first = true;
  while (!expression.empty()) {
    std::string_view part = expression.substr(0, expression.find('.'));
    expression.remove_prefix(std::min(expression.size(), part.size() + 1));
    if (std::exchange(is_first, false)) continue;
    Step step;
    std::size_t const bracket = part.find('[');
    step.name = part.substr(0, bracket);
    if (bracket != std::string_view::npos)
      std::from_chars(part.data() + bracket + 1, part.data() + part.size(), step.index);
    steps.push_back(step);
  }
  return steps;
}

/// "value" is what "valueQuantity" and "_valueString" are.
bool is_named(std::string_view member, std::string_view name) {
  if (member.starts_with('_')) member.remove_prefix(1);
  if (member == name) return true;
  return member.size() > name.size() && member.starts_with(name) && member[name.size()] >= 'A' &&
         member[name.size()] <= 'Z';
}

class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  void scan(Wanted& root) { value(&root, 0); }

 private:
  char peek() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  std::string_view string() {
    std::size_t const from = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    std::string_view const out = text_.substr(std::min(from, text_.size()), at_ - from);
    ++at_;
    return out;
  }

  void value(Wanted* wanted, int depth) {
    char const first = peek();
    if (wanted != nullptr && wanted->at == kNowhere) wanted->at = at_;
    if (depth > kDepthMax) return;
    if (first == '{') return object(wanted, depth);
    if (first == '[') return array(nullptr, {}, depth);
    if (first == '"') {
      string();
      return;
    }
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']') ++at_;
  }

  void object(Wanted* wanted, int depth) {
    ++at_;
    while (at_ < text_.size() && peek() != '}') {
      if (peek() == ',') {
        ++at_;
        continue;
      }
      if (peek() != '"') return;
      std::string_view const name = string();
      if (peek() == ':') ++at_;
      bool const is_array = peek() == '[';
      if (wanted == nullptr) {
        value(nullptr, depth + 1);
      } else if (is_array) {
        array(wanted, name, depth + 1);
      } else {
        value(find(*wanted, name, -1), depth + 1);
      }
    }
    ++at_;
  }

  void array(Wanted* wanted, std::string_view name, int depth) {
    ++at_;
    int index = 0;
    while (at_ < text_.size() && peek() != ']') {
      if (peek() == ',') {
        ++at_;
        continue;
      }
      value(wanted == nullptr ? nullptr : find(*wanted, name, index), depth + 1);
      ++index;
    }
    ++at_;
  }

  static Wanted* find(Wanted& wanted, std::string_view name, int index) {
    for (auto& [step, child] : wanted.children) {
      if (is_named(name, step.first) && (step.second == index || (step.second < 0 && index <= 0)))
        return child.get();
    }
    return nullptr;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class XmlScanner {
 public:
  explicit XmlScanner(std::string_view text) : text_(text) {}

  void scan(Wanted& root) {
    struct Level {
      Wanted* wanted;
      std::map<std::string, int, std::less<>> counts;
    };
    std::vector<Level> levels;
    while (at_ < text_.size()) {
      at_ = text_.find('<', at_);
      if (at_ == kNowhere) return;
      std::size_t const begin = at_;
      if (skip("<!--", "-->") || skip("<![CDATA[", "]]>") || skip("<?", "?>") || skip("<!", ">")) continue;
      std::size_t const end = end_of_tag();
      std::string_view const tag = text_.substr(begin, end - begin);
      at_ = end;
      if (tag.starts_with("</")) {
        if (!levels.empty()) levels.pop_back();
        continue;
      }
      std::string_view name = tag.substr(1, tag.find_first_of(" \t\r\n/>", 1) - 1);
      Wanted* wanted = nullptr;
      if (levels.empty()) {
        wanted = &root;
      } else if (levels.back().wanted != nullptr) {
        // A resource within an element is that element.
        bool const is_resource = !name.empty() && name[0] >= 'A' && name[0] <= 'Z';
        int const index = is_resource ? 0 : levels.back().counts[std::string(name)]++;
        wanted = is_resource ? levels.back().wanted : find(*levels.back().wanted, name, index);
      }
      if (wanted != nullptr && wanted->at == kNowhere) wanted->at = begin;
      if (!tag.ends_with("/>")) {
        if (levels.size() > kDepthMax) return;
        levels.push_back({wanted, {}});
      }
    }
  }

 private:
  bool skip(std::string_view from, std::string_view to) {
    if (!text_.substr(at_).starts_with(from)) return false;
    std::size_t const end = text_.find(to, at_ + from.size());
    at_ = end == kNowhere ? text_.size() : end + to.size();
    return true;
  }
  std::size_t end_of_tag() const {
    char quote = '\0';
    for (std::size_t i = at_; i < text_.size(); ++i) {
      char const c = text_[i];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return i + 1;
      }
    }
    return text_.size();
  }
  static Wanted* find(Wanted& wanted, std::string_view name, int index) {
    for (auto& [step, child] : wanted.children) {
      if (is_named(name, step.first) && (step.second == index || step.second < 0)) return child.get();
    }
    return nullptr;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string to_words(std::size_t at, std::vector<std::size_t> const& lines) {
  auto const line = std::ranges::upper_bound(lines, at) - lines.begin();
  std::size_t const begin = lines[static_cast<std::size_t>(line - 1)];
  return "line " + std::to_string(line) + " column " + std::to_string(at - begin + 1);
}

}  // namespace

void locate(std::string_view text, Issues& issues) {
  Wanted root;
  bool is_wanted = false;
  for (Issue const& issue : issues) {
    if (issue.expression.empty() || !issue.source.empty()) continue;
    is_wanted = true;
    Wanted* here = &root;
    for (Step const& step : steps_of(issue.expression)) here = &here->child(step.name, step.index);
  }
  if (!is_wanted) return;
  std::size_t const first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first != std::string_view::npos && text[first] == '<') {
    XmlScanner(text).scan(root);
  } else {
    JsonScanner(text).scan(root);
  }
  std::vector<std::size_t> lines{0};
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
    lines.push_back(at + 1);
  for (Issue& issue : issues) {
    if (issue.expression.empty() || !issue.source.empty()) continue;
    Wanted const* here = &root;
    std::size_t at = root.at;
    for (Step const& step : steps_of(issue.expression)) {
      here = here->children.at({std::string(step.name), step.index}).get();
      if (here->at != kNowhere) at = here->at;
    }
    if (at != kNowhere) issue.source = to_words(at, lines);
  }
}

}  // namespace fhir::validate
