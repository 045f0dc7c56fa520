#include "fhir/json/canonical.hpp"

#include "fhir/definitions/definitions.hpp"
#include "fhir/json/sink.hpp"
#include "fhir/json/writer.hpp"

#include <algorithm>
#include <vector>

namespace fhir::json {

namespace {

using definitions::ElementDefinition;
using definitions::TypeDefinition;

// Members the definitions do not know keep their order behind those they know.
constexpr std::uint32_t kUnknownKey = 0x80000000U;

bool is_set_by_committer(std::string_view name) {
  return name == "versionId" || name == "lastUpdated" || name == "_versionId" || name == "_lastUpdated";
}

/// Writes depth first. A value that turns out empty takes its name back, so that one walk is enough.
class CanonicalWriter {
 public:
  explicit CanonicalWriter(std::string& out) : out_(out) {}

  /// The outermost resource: `meta` always stands, without what the committer sets. Returns the offset of its
  /// `}`.
  std::size_t write_root(Element const& resource) {
    std::string_view const name = resource.text_at("resourceType");
    TypeDefinition const* const type = definitions::find_type(name);
    out_.put("{\"resourceType\":");
    out_.put_string(name);
    if (Element const* const id = resource.find("id"); id != nullptr && !id->is_null()) {
      out_.put(",\"id\":");
      write(*id, out_);
    }
    out_.put(",\"meta\":");
    std::size_t const meta_start = out_.size();
    if (Element const* const meta = resource.find("meta")) {
      write_members(*meta, definitions::find_type("Meta"),
                    [](std::string_view member) { return is_set_by_committer(member); });
    }
    // The comma that write_members puts before each member is the brace before the first.
    if (out_.size() > meta_start) {
      out_[meta_start] = '{';
    } else {
      out_.put('{');
    }
    std::size_t const meta_end = out_.size();
    out_.put('}');
    write_members(resource, type, [](std::string_view member) {
      return member == "resourceType" || member == "id" || member == "meta";
    });
    out_.put('}');
    return meta_end;
  }

 private:
  struct Slot {
    std::uint32_t key;
    std::uint32_t index;
    TypeDefinition const* type;
  };

  /// Appends `,"name":value` for each member that has content, in canonical order, but for those `skip`
  /// names.
  template <class Skip>
  void write_members(Element const& object, TypeDefinition const* type, Skip skip) {
    auto const members = object.members();
    std::size_t const first = slots_.size();
    bool sorted = true;
    for (std::uint32_t i = 0; i < members.size(); ++i) {
      if (skip(members[i].name)) continue;
      Slot const slot = slot_of(type, members[i].name, i);
      sorted = sorted && (slots_.size() == first || slots_.back().key <= slot.key);
      slots_.push_back(slot);
    }
    std::size_t const last = slots_.size();
    if (!sorted) {
      std::stable_sort(slots_.begin() + static_cast<std::ptrdiff_t>(first), slots_.end(),
                       [](Slot const& left, Slot const& right) { return left.key < right.key; });
    }
    for (std::size_t i = first; i < last; ++i) {
      Slot const slot = slots_[i];  // by value: slots_ grows below
      Member const& member = members[slot.index];
      std::size_t const start = out_.size();
      out_.put(',');
      out_.put_string(member.name);
      out_.put(':');
      if (!write_value(member.value, slot.type, keeps_nulls(member.name, slot.type))) out_.truncate(start);
    }
    slots_.resize(first);
  }

  static Slot slot_of(TypeDefinition const* type, std::string_view name, std::uint32_t index) {
    static TypeDefinition const* const element_type = definitions::find_type("Element");
    if (name == "resourceType") return {0, index, nullptr};
    if (type == nullptr) return {kUnknownKey, index, nullptr};
    bool const companion = name.starts_with('_');
    ElementDefinition const* const element =
        definitions::find_element(*type, companion ? name.substr(1) : name);
    if (element == nullptr) return {kUnknownKey, index, nullptr};
    auto const key = static_cast<std::uint32_t>(element->order()) * 2 + (companion ? 2 : 1);
    return {key, index, companion ? element_type : &element->type()};
  }

  /// In arrays of primitives and of their companions null holds a place.
  static bool keeps_nulls(std::string_view name, TypeDefinition const* type) {
    return name.starts_with('_') || type == nullptr || type->is_primitive();
  }

  /// False, with nothing written, when the value is empty.
  bool write_value(Element const& value, TypeDefinition const* type, bool nulls) {
    switch (value.kind()) {
      case Kind::null:
        return false;
      case Kind::boolean:
      case Kind::number:
        out_.put(value.text());
        return true;
      case Kind::string:
        out_.put_string(value.text());
        return true;
      case Kind::array:
        return write_array(value, type, nulls);
      case Kind::object:
        return write_object(value, type);
    }
    return false;
  }

  bool write_array(Element const& array, TypeDefinition const* type, bool nulls) {
    std::size_t const start = out_.size();
    bool content = false;
    for (Element const& item : array.items()) {
      std::size_t const before = out_.size();
      out_.put(before == start ? '[' : ',');
      if (write_value(item, type, nulls)) {
        content = true;
      } else if (nulls) {
        out_.put("null");
      } else {
        out_.truncate(before);
      }
    }
    if (!content) {
      out_.truncate(start);
      return false;
    }
    out_.put(']');
    return true;
  }

  bool write_object(Element const& object, TypeDefinition const* type) {
    if (type == nullptr || type->is_abstract()) {
      if (auto const name = object.text_at("resourceType"); !name.empty())
        type = definitions::find_type(name);
    }
    std::size_t const start = out_.size();
    write_members(object, type, [](std::string_view) { return false; });
    if (out_.size() == start) return false;
    out_[start] = '{';  // where the first member's comma stood
    out_.put('}');
    return true;
  }

  Sink out_;
  std::vector<Slot> slots_;
};

}  // namespace

CanonicalBytes to_canonical(Element const& resource) {
  CanonicalBytes canonical;
  canonical.meta_end = CanonicalWriter(canonical.bytes).write_root(resource);
  canonical.meta_has_members = canonical.bytes[canonical.meta_end - 1] != '{';
  return canonical;
}

std::string with_version(CanonicalBytes const& canonical, std::string_view version_id,
                         std::string_view last_updated) {
  std::string_view const bytes = canonical.bytes;
  std::string served;
  served.reserve(bytes.size() + version_id.size() + last_updated.size() + 40);
  served.append(bytes.substr(0, canonical.meta_end));
  if (canonical.meta_has_members) served.push_back(',');
  served.append("\"versionId\":");
  write_string(version_id, served);
  served.append(",\"lastUpdated\":");
  write_string(last_updated, served);
  return served.append(bytes.substr(canonical.meta_end));
}

}  // namespace fhir::json
