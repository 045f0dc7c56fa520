// XML Patch: RFC 5261 on the FHIR XML of a resource. A selector is an XPath of child steps: names, *, text(),
// comment(), @attribute, each with predicates [2], [@id='a'], [f:code/@value='x'], [f:code='x'], [.='x'].
#include "fhir/patch/patch.hpp"
#include "fhir/patch/work.hpp"
#include "fhir/xml/xml.hpp"

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace fhir::patch {

namespace {

constexpr std::string_view kFhir = "http://hl7.org/fhir";
constexpr std::string_view kXhtml = "http://www.w3.org/1999/xhtml";
constexpr unsigned kParseOptions =
    pugi::parse_default | pugi::parse_doctype | pugi::parse_ws_pcdata | pugi::parse_comments;
constexpr std::size_t kSelectorBytesMax = 4096;
constexpr std::size_t kStepsMax = 64;

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool is_text(pugi::xml_node node) {
  return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}

/// A name in a namespace.
struct Name {
  std::string space;
  std::string local;
};

std::pair<std::string_view, std::string_view> split_name(std::string_view name) {
  auto const colon = name.find(':');
  if (colon == std::string_view::npos) return {{}, name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

/// The namespace that a prefix ("" the default one) stands for at that node; nullopt: none declares it.
std::optional<std::string> namespace_at(pugi::xml_node node, std::string_view prefix) {
  if (prefix == "xml") return "http://www.w3.org/XML/1998/namespace";
  std::string const declares = prefix.empty() ? "xmlns" : "xmlns:" + std::string(prefix);
  for (; node.type() == pugi::node_element; node = node.parent()) {
    if (auto const attribute = node.attribute(declares.c_str())) return attribute.value();
  }
  return prefix.empty() ? std::optional<std::string>("") : std::nullopt;
}

bool is_named(pugi::xml_node node, Name const& name) {
  if (node.type() != pugi::node_element) return false;
  if (name.local == "*") return true;
  auto const [prefix, local] = split_name(node.name());
  return local == name.local && namespace_at(node, prefix) == name.space;
}

struct Predicate {
  std::size_t position = 0;   ///< [2]; 0: none
  std::optional<Name> child;  ///< [f:code/@value='x'], [f:code='x']
  std::string attribute;      ///< [@id='x'], the part behind child/
  std::string value;
};

struct Step {
  enum class Kind : unsigned char { element, attribute, text, comment } kind = Kind::element;
  Name name;
  std::vector<Predicate> predicates;
};

struct Operation {
  Place place;
  std::vector<Step> selector;
  pugi::xml_node element;  ///< In the patch document.
};

/// Reads selectors. Errors: value, at the operation's place.
class SelectorReader {
 public:
  SelectorReader(Place const& place, pugi::xml_node element, std::string_view text)
      : place_(place), element_(element), rest_(text) {}

  Result<std::vector<Step>> read() {
    std::vector<Step> steps;
    if (rest_.size() > kSelectorBytesMax) return fail("the selector is too long");
    take("/");
    do {
      if (steps.size() == kStepsMax) return fail("the selector has too many steps");
      if (!steps.empty() && steps.back().kind != Step::Kind::element) return fail("nothing is below that");
      FHIR_TRY(Step step, read_step());
      steps.push_back(std::move(step));
    } while (take("/"));
    if (!rest_.empty()) return fail(fmt::format("\"{}\" is not understood", rest_));
    return steps;
  }

 private:
  Issue fail(std::string_view why) const {
    return failure(IssueType::value, place_,
                   fmt::format("sel is a path like f:Patient/f:name[1]/@id: {}", why));
  }

  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::string_view take_name() {
    auto const is_part = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '-' || c == '.' || c == ':' || (static_cast<unsigned char>(c) & 0x80U) != 0;
    };
    auto const end = std::ranges::find_if_not(rest_, is_part) - rest_.begin();
    auto const name = rest_.substr(0, static_cast<std::size_t>(end));
    rest_.remove_prefix(name.size());
    return name;
  }

  /// By the patch's own declarations; f and h stand for FHIR and XHTML where it declares none.
  Result<Name> element_name(std::string_view written) const {
    auto const [prefix, local] = split_name(written);
    if (local.empty() || local.find(':') != std::string_view::npos || local == "." || local == "..")
      return fail(fmt::format("\"{}\" is no name", written));
    auto space = namespace_at(element_, prefix);
    if (!space && (prefix == "f" || prefix == "fhir")) space = kFhir;
    if (!space && (prefix == "h" || prefix == "xhtml")) space = kXhtml;
    if (!space) return fail(fmt::format("the prefix {} is not declared", prefix));
    return Name{*std::move(space), std::string(local)};
  }

  Result<Step> read_step() {
    Step step;
    if (take("@")) {
      step.kind = Step::Kind::attribute;
      step.name.local = take_name();
      if (step.name.local.empty()) return fail("an attribute has a name");
      return step;
    }
    if (take("*")) {
      step.name.local = "*";
    } else if (std::string_view const name = take_name(); take("()")) {
      if (name != "text" && name != "comment") return fail(fmt::format("there is no {}() here", name));
      step.kind = name == "text" ? Step::Kind::text : Step::Kind::comment;
    } else {
      FHIR_TRY(step.name, element_name(name));
    }
    while (take("[")) {
      FHIR_TRY(Predicate predicate, read_predicate());
      step.predicates.push_back(std::move(predicate));
      if (!take("]")) return fail("a [ has its ]");
    }
    return step;
  }

  Result<Predicate> read_predicate() {
    Predicate predicate;
    if (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      auto const [end, bad] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), predicate.position);
      if (bad != std::errc{} || predicate.position == 0) return fail("positions count from 1");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      return predicate;
    }
    bool const of_attribute = take("@");
    if (of_attribute) {
      predicate.attribute = take_name();
    } else if (!take(".")) {
      FHIR_TRY(predicate.child, element_name(take_name()));
      if (take("/@")) predicate.attribute = take_name();
    }
    if ((of_attribute && predicate.attribute.empty()) || !take("="))
      return fail("a predicate is [2] or [name='x']");
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"'))
      return fail("a text stands in quotes");
    auto const end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) return fail("a text ends with its quote");
    predicate.value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return predicate;
  }

  Place const& place_;
  pugi::xml_node element_;
  std::string_view rest_;
};

/// What a selector finds: a node, or an attribute of it.
struct Found {
  pugi::xml_node node;
  pugi::xml_attribute attribute;
};

std::string text_of(pugi::xml_node node) {
  std::string text;
  for (pugi::xml_node const child : node.children()) {
    if (is_text(child)) text += child.value();
  }
  return text;
}

class Application {
 public:
  explicit Application(pugi::xml_document& document) : document_(document) {}

  Result<void> run(Operation const& operation) {
    FHIR_TRY(Found const found, select(operation));
    if (operation.place.kind == "remove") return remove(operation, found);
    if (operation.place.kind == "replace") return replace(operation, found);
    return add(operation, found);
  }

 private:
  Issue fail(Operation const& operation, std::string_view why) const {
    return failure(IssueType::processing, operation.place, why);
  }

  bool matches(pugi::xml_node node, Predicate const& predicate) {
    auto const says = [&](pugi::xml_node one) {
      if (predicate.attribute.empty()) return text_of(one) == predicate.value;
      auto const attribute = one.attribute(predicate.attribute.c_str());
      return attribute && predicate.value == attribute.value();
    };
    ++looked_;
    if (!predicate.child) return says(node);
    looked_ += static_cast<std::size_t>(std::ranges::distance(node.children()));
    return std::ranges::any_of(
        node.children(), [&](pugi::xml_node one) { return is_named(one, *predicate.child) && says(one); });
  }

  static bool is_of(pugi::xml_node node, Step const& step) {
    switch (step.kind) {
      case Step::Kind::text:
        return is_text(node);
      case Step::Kind::comment:
        return node.type() == pugi::node_comment;
      default:
        return is_named(node, step.name);
    }
  }

  Result<std::vector<pugi::xml_node>> children(pugi::xml_node parent, Step const& step, Place const& place) {
    std::vector<pugi::xml_node> all;
    looked_ = 0;
    for (pugi::xml_node const child : parent.children()) {
      ++looked_;
      if (is_of(child, step)) all.push_back(child);
    }
    FHIR_CHECK(budget_.spend(looked_, place));
    for (Predicate const& predicate : step.predicates) {
      if (predicate.position == 0) {
        looked_ = 0;
        std::erase_if(all, [&](pugi::xml_node node) { return !matches(node, predicate); });
        FHIR_CHECK(budget_.spend(looked_, place));
      } else if (predicate.position > all.size()) {
        all.clear();
      } else {
        all = {all[predicate.position - 1]};
      }
    }
    return all;
  }

  /// RFC 5261 section 4.1: exactly one node.
  Result<Found> select(Operation const& operation) {
    std::vector<pugi::xml_node> here{document_};
    for (Step const& step : operation.selector) {
      if (step.kind == Step::Kind::attribute) {
        std::erase_if(here, [&](pugi::xml_node node) { return !node.attribute(step.name.local.c_str()); });
        if (here.size() != 1) break;
        return Found{here.front(), here.front().attribute(step.name.local.c_str())};
      }
      std::vector<pugi::xml_node> next;
      for (pugi::xml_node const parent : here) {
        FHIR_TRY(auto const found, children(parent, step, operation.place));
        next.insert(next.end(), found.begin(), found.end());
      }
      here = std::move(next);
    }
    if (here.empty()) return fail(operation, "there is nothing at that place");
    if (here.size() > 1) return fail(operation, fmt::format("{} nodes are at that place", here.size()));
    return Found{here.front(), {}};
  }

  Result<void> remove(Operation const& operation, Found const& found) {
    if (found.attribute) {
      pugi::xml_node node = found.node;
      node.remove_attribute(found.attribute);
      return {};
    }
    pugi::xml_node parent = found.node.parent();
    if (parent.type() != pugi::node_element) return fail(operation, "the root cannot be removed");
    std::string_view const space = operation.element.attribute("ws").value();
    for (auto const& [word, next] : {std::pair{"before", found.node.previous_sibling()},
                                     std::pair{"after", found.node.next_sibling()}}) {
      if (space != word && space != "both") continue;
      if (!is_text(next) || !is_blank(next.value()))
        return fail(operation, fmt::format("there is no white space {} it", word));
      parent.remove_child(next);
    }
    parent.remove_child(found.node);
    return {};
  }

  Result<void> replace(Operation const& operation, Found const& found) {
    if (found.attribute) {
      pugi::xml_attribute attribute = found.attribute;
      attribute.set_value(text_of(operation.element).c_str());
      return {};
    }
    pugi::xml_node node = found.node;
    if (is_text(node)) {
      std::string const text = text_of(operation.element);
      if (text.empty()) {
        node.parent().remove_child(node);
      } else {
        node.set_value(text.c_str());
      }
      return {};
    }
    std::vector<pugi::xml_node> content;
    for (pugi::xml_node const child : operation.element.children()) {
      if (!is_text(child) || !is_blank(child.value())) content.push_back(child);
    }
    if (content.size() != 1 || content.front().type() != node.type())
      return fail(operation, "it is replaced by one node of its kind");
    FHIR_CHECK(put(operation, content.front(), node.parent(), node));
    node.parent().remove_child(node);
    return {};
  }

  Result<void> add(Operation const& operation, Found const& found) {
    std::string_view const type = operation.element.attribute("type").value();
    std::string_view const pos = operation.element.attribute("pos").value();
    pugi::xml_node node = found.node;
    if (!type.empty()) {
      constexpr std::string_view kNamespace = "namespace::";
      bool const declares = type.starts_with(kNamespace);
      std::string const name = declares ? "xmlns:" + std::string(type.substr(kNamespace.size()))
                                        : std::string(type.substr(type.starts_with('@') ? 1 : 0));
      if ((!declares && !type.starts_with('@')) || name.empty() || name.ends_with(':') || found.attribute ||
          node.type() != pugi::node_element)
        return fail(operation, "type is @name or namespace::prefix, on an element");
      if (name.find_first_of(" \t\r\n=\"'<>/&") != std::string::npos)
        return fail(operation, "that is no name of an attribute");
      if (node.attribute(name.c_str())) return fail(operation, "the attribute is there already");
      node.append_attribute(name.c_str()).set_value(text_of(operation.element).c_str());
      return {};
    }
    if (found.attribute) return fail(operation, "nothing can be added to an attribute");
    bool const beside = pos == "before" || pos == "after";
    if (!beside && !pos.empty() && pos != "prepend")
      return fail(operation, "pos is prepend, before or after");
    if (!beside && node.type() != pugi::node_element) return fail(operation, "content goes into an element");
    pugi::xml_node parent = beside ? node.parent() : node;
    if (parent.type() != pugi::node_element) return fail(operation, "there is one root element");
    pugi::xml_node const before = pos == "before"    ? node
                                  : pos == "after"   ? node.next_sibling()
                                  : pos == "prepend" ? node.first_child()
                                                     : pugi::xml_node{};
    for (pugi::xml_node const child : operation.element.children())
      FHIR_CHECK(put(operation, child, parent, before));
    return {};
  }

  /// A copy of `what` in `parent`, in front of `before` or, where that is none, at the end.
  Result<void> put(Operation const& operation, pugi::xml_node what, pugi::xml_node parent,
                   pugi::xml_node before) {
    pugi::xml_node made = before ? parent.insert_copy_before(what, before) : parent.append_copy(what);
    if (made.type() != pugi::node_element) return {};
    return keep_namespaces(operation, what, made);
  }

  /// Names mean there what they meant in the patch: FHIR's and XHTML's elements carry no prefix.
  Result<void> keep_namespaces(Operation const& operation, pugi::xml_node what, pugi::xml_node made) {
    FHIR_CHECK(budget_.spend(1, operation.place));
    auto const [prefix, local] = split_name(what.name());
    auto const space = namespace_at(what, prefix);
    if (!space) return fail(operation, fmt::format("the prefix {} is not declared", prefix));
    made.set_name(std::string(local).c_str());
    made.remove_attribute("xmlns");
    if (namespace_at(made, "") != *space) made.prepend_attribute("xmlns").set_value(space->c_str());
    pugi::xml_node copy = made.first_child();
    for (pugi::xml_node const child : what.children()) {
      if (child.type() == pugi::node_element) FHIR_CHECK(keep_namespaces(operation, child, copy));
      copy = copy.next_sibling();
    }
    return {};
  }

  pugi::xml_document& document_;
  Budget budget_;
  std::size_t looked_ = 0;  ///< Nodes, in the step under way.
};

Result<void> parse(std::string_view bytes, pugi::xml_document& document) {
  auto const parsed = document.load_buffer(bytes.data(), bytes.size(), kParseOptions, pugi::encoding_utf8);
  if (!parsed)
    return error(IssueType::structure,
                 fmt::format("not well-formed XML: {}, at byte {}", parsed.description(), parsed.offset));
  if (std::ranges::any_of(document.children(),
                          [](pugi::xml_node node) { return node.type() == pugi::node_doctype; }))
    return error(IssueType::security, "a document type declaration is not allowed");
  return {};
}

int depth_of(pugi::xml_document const& document) {
  struct Walker : pugi::xml_tree_walker {
    bool for_each(pugi::xml_node&) override {
      deepest = std::max(deepest, depth());
      return true;
    }
    int deepest = 0;
  } walker;
  const_cast<pugi::xml_document&>(document).traverse(walker);
  return walker.deepest;
}

class XmlPatch : public Patch {
 public:
  Result<void> read(std::string_view bytes) {
    FHIR_CHECK(parse(bytes, document_));
    constexpr int kDepthMax = 64;  // as for a resource
    if (depth_of(document_) > kDepthMax)
      return error(IssueType::too_costly, "the patch is nested deeper than 64 levels");
    pugi::xml_node const root = document_.document_element();
    auto const name = split_name(root.name()).second;
    if (name != "diff" && name != "patch")
      return error(IssueType::structure, "an XML Patch is a diff element with add, replace and remove");
    for (pugi::xml_node const child : root.children()) {
      if (child.type() != pugi::node_element) continue;
      FHIR_CHECK(check_count(operations_.size() + 1));
      FHIR_TRY(Operation operation, read_operation(child));
      operations_.push_back(std::move(operation));
    }
    if (operations_.empty()) return error(IssueType::required, "the patch has no operation");
    return {};
  }

  Result<json::Element> apply(json::Element const& target, json::Arena& arena) const override {
    FHIR_TRY(std::string const xml, xml::write_resource(target));
    FHIR_TRY(std::string const patched, apply_to_text(xml));
    auto const read = xml::read_resource(patched);
    if (!read) {
      Issue issue = read.error();
      issue.code = IssueType::processing;
      issue.diagnostics = "the result is no resource: " + issue.diagnostics;
      issue.source.clear();
      return issue;
    }
    return json::deep_copy(arena, read->root);
  }

  Result<std::string> apply_to_text(std::string_view xml) const {
    pugi::xml_document document;
    if (is_blank(xml)) return error(IssueType::required, "there is no document to patch");
    FHIR_CHECK(parse(xml, document));
    Application application(document);
    for (Operation const& operation : operations_) FHIR_CHECK(application.run(operation));
    std::ostringstream out;
    document.save(out, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
    return out.str();
  }

 private:
  Result<Operation> read_operation(pugi::xml_node element) {
    Operation operation;
    operation.element = element;
    operation.place.index = operations_.size();
    operation.place.expression = fmt::format("[{}]", operations_.size());
    auto const name = split_name(element.name()).second;
    if (name != "add" && name != "replace" && name != "remove")
      return failure(IssueType::value, operation.place, "an operation is add, replace or remove");
    operation.place.kind = name;
    operation.place.path = element.attribute("sel").value();
    if (operation.place.path.empty())
      return failure(IssueType::required, operation.place, "sel is missing: which node it is about");
    FHIR_TRY(operation.selector, SelectorReader(operation.place, element, operation.place.path).read());
    return operation;
  }

  pugi::xml_document document_;
  std::vector<Operation> operations_;
};

}  // namespace

Result<std::shared_ptr<Patch const>> read_xml_patch(std::string_view bytes) {
  auto patch = std::make_shared<XmlPatch>();
  FHIR_CHECK(patch->read(bytes));
  return std::shared_ptr<Patch const>(std::move(patch));
}

Result<std::string> patch_xml(std::string_view document, std::string_view patch) {
  XmlPatch read;
  FHIR_CHECK(read.read(patch));
  return read.apply_to_text(document);
}

}  // namespace fhir::patch
