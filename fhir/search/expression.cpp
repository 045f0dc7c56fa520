#include "fhir/search/expression.hpp"

#include <string>

namespace fhir::search {

namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<PathExpression>> parse() {
    std::vector<PathExpression> paths;
    do {
      FHIR_TRY(PathExpression path, parse_path());
      paths.push_back(std::move(path));
    } while (skip("|"));
    if (at_ < text_.size()) return unexpected();
    return paths;
  }

 private:
  /// path ["as" Type | "and" path "!=" "false"]
  Result<PathExpression> parse_path() {
    PathExpression path;
    if (skip("(")) {
      FHIR_TRY(path, parse_path());
      if (!skip(")")) return unexpected();
    } else {
      path.from_resource = skip("%resource");
      if (path.from_resource && !skip(".")) return unexpected();
      FHIR_CHECK(parse_name(path, Step::Kind::child));
    }
    FHIR_CHECK(parse_steps(path));
    if (skip_word("as")) FHIR_CHECK(parse_name(path, Step::Kind::as_type));
    if (skip_word("and")) FHIR_CHECK(parse_not_false(path));
    return path;
  }

  Result<void> parse_name(PathExpression& path, Step::Kind kind) {
    std::string_view const name = take_name();
    if (name.empty()) return unexpected();
    path.steps.push_back({kind, {}, name});
    return {};
  }

  Result<void> parse_steps(PathExpression& path) {
    for (;;) {
      if (skip("[0]")) {
        path.steps.push_back({Step::Kind::first_item, {}, {}});
        continue;
      }
      if (!skip(".")) return {};
      std::string_view const name = take_name();
      if (name.empty()) return unexpected();
      if (skip("(")) {
        FHIR_CHECK(parse_call(path, name));
        if (!skip(")")) return unexpected();
      } else {
        path.steps.push_back({Step::Kind::child, {}, name});
      }
    }
  }

  Result<void> parse_call(PathExpression& path, std::string_view function) {
    if (function == "as" || function == "ofType") return parse_name(path, Step::Kind::as_type);
    if (function == "where") return parse_where(path);
    if (function == "exists") {
      path.steps.push_back({Step::Kind::exists, {}, {}});
      return {};
    }
    if (function == "extension") {
      FHIR_TRY(std::string_view const url, parse_string());
      path.steps.push_back({Step::Kind::child, {}, "extension"});
      path.steps.push_back({Step::Kind::where_equals, "url", url});
      return {};
    }
    return unexpected();
  }

  Result<void> parse_where(PathExpression& path) {
    std::string_view const name = take_name();
    if (name == "resolve" && skip("()") && skip_word("is"))
      return parse_name(path, Step::Kind::where_resolves);
    if (name.empty() || !skip("=")) return unexpected();
    FHIR_TRY(std::string_view const text, parse_string());
    path.steps.push_back({Step::Kind::where_equals, name, text});
    return {};
  }

  /// The rest of `X.exists() and X != false`, which is how R4 says "there, and not false".
  Result<void> parse_not_false(PathExpression const& path) {
    PathExpression repeated;
    FHIR_CHECK(parse_name(repeated, Step::Kind::child));
    FHIR_CHECK(parse_steps(repeated));
    bool same =
        path.steps.size() == repeated.steps.size() + 1 && path.steps.back().kind == Step::Kind::exists;
    for (std::size_t i = 0; same && i < repeated.steps.size(); ++i)
      same = path.steps[i].text == repeated.steps[i].text;
    if (!same || !skip("!=") || !skip_word("false")) return unexpected();
    return {};
  }

  Result<std::string_view> parse_string() {
    if (!skip("'")) return unexpected();
    auto const end = text_.find('\'', at_);
    if (end == std::string_view::npos) return unexpected();
    auto const text = text_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }

  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool skip(std::string_view token) {
    skip_space();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  bool skip_word(std::string_view word) {
    std::size_t const before = at_;
    if (skip(word) && (at_ == text_.size() || !is_name_char(text_[at_]))) return true;
    at_ = before;
    return false;
  }
  std::string_view take_name() {
    skip_space();
    std::size_t const start = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  Issue unexpected() const {
    return error(IssueType::not_supported,
                 "a search parameter's expression is not understood at character " + std::to_string(at_ + 1));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<PathExpression>> parse_expression(std::string_view text) { return Parser(text).parse(); }

}  // namespace fhir::search
