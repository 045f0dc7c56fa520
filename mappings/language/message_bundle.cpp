/// A draft as a FHIR message: the collection under a MessageHeader made of MSH.
/// Source: R4 messaging.html, messageheader.html; v2-to-FHIR maps MSH[Bundle], MSH[MessageHeader],
/// HD[MessageHeader.*].
#include "mappings/language/digest.hpp"
#include "mappings/language/engine.hpp"
#include "mappings/language/tree.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

using hl7v2::Address;

class Header {
 public:
  Header(Draft& draft, hl7v2::Message const& message, PartnerProfile const& sender)
      : draft_(draft), message_(message), sender_(sender), arena_(draft.arena) {}

  Element make(Element const& collection) {
    Element header = Element::of_object();
    set(header, "resourceType", "MessageHeader");
    header.set(arena_, "eventCoding", event());
    if (!text(5).empty()) {
      Element destination = application(5, 25);
      if (std::string const receiver = text(23).empty() ? text(6) : text(23); !receiver.empty())
        destination.set(arena_, "receiver", named(receiver));
      header.set(arena_, "destination").push(arena_, destination);
    }
    if (!text(4).empty()) header.set(arena_, "sender", named(text(4)));
    header.set(arena_, "source", application(3, 24));
    if (!text(22).empty()) header.set(arena_, "responsible", named(text(22)));
    Element const* const entries = collection.find("entry");
    std::size_t const anchor = internals(draft_).structure->anchor;
    for (std::size_t at = 0; entries != nullptr && at < draft_.resources.size(); ++at) {
      if (draft_.resources[at].role != internals(draft_).structure->roles[anchor].name) continue;
      Element focus = Element::of_object();
      focus.set(arena_, "reference", Element::of_string(entries->items()[at].text_at("fullUrl")));
      header.set(arena_, "focus").push(arena_, focus);
    }
    return header;
  }

  /// MSH-7 as an instant; null where it says no more than a day.
  Element sent() {
    types::Context context;
    context.message = &message_;
    context.partner = &sender_;
    context.arena = &arena_;
    Address const at{0, 7, 1, 1, 0};
    types::In in(context, message_.raw({0, 7, 1, 1, 1}), at);
    Element out;
    return types::find_pair("DTM~instant")->forward(in, out) ? out : Element{};
  }

 private:
  std::string text(std::uint16_t field, std::uint16_t component = 1) const {
    return message_.text({0, field, 1, component, 1});
  }
  void set(Element& element, std::string_view name, std::string_view value) {
    element.set(arena_, name, Element::of_string(arena_.copy(value)));
  }

  Element event() {
    Element coding = Element::of_object();
    // An ACK may have no trigger event: then it is what kind of message it is.
    std::string_view const trigger = message_.trigger_event();
    std::string const system = "http://terminology.hl7.org/CodeSystem/v2-";
    set(coding, "system", system + (trigger.empty() ? "0076" : "0003"));
    set(coding, "code", trigger.empty() ? message_.message_code() : trigger);
    std::string display = text(9);
    for (std::uint16_t part = 2; part <= 3; ++part)
      if (std::string const more = text(9, part); !more.empty()) display += "^" + more;
    set(coding, "display", display);
    return coding;
  }

  /// The name of MSH-3 or -5, and the address of MSH-24 or -25 (what a message seldom has), else of the
  /// application itself; R4 wants an endpoint, and one that nobody told says so.
  Element application(std::uint16_t name, std::uint16_t network) {
    Element made = Element::of_object();
    if (!text(name).empty()) set(made, "name", text(name));
    std::string url = address(network);
    if (url.empty()) url = address(name);
    if (url.empty())
      made.set(arena_, "_endpoint", absent_reason(arena_));
    else
      set(made, "endpoint", url);
    return made;
  }

  std::string address(std::uint16_t field) const {
    std::string const id = text(field, 2);
    std::string const type = text(field, 3);
    if (id.empty()) return {};
    if (type == "ISO") return "urn:oid:" + id;
    if (type == "UUID") return "urn:uuid:" + id;
    if (type == "DNS") return "urn:dns:" + id;
    return type == "URI" ? id : std::string();
  }

  Element named(std::string_view name) {
    Element reference = Element::of_object();
    set(reference, "display", name);
    return reference;
  }

  Draft& draft_;
  hl7v2::Message const& message_;
  PartnerProfile const& sender_;
  Arena& arena_;
};

}  // namespace

Element to_message_bundle(Draft& draft, hl7v2::Message const& message, PartnerProfile const& sender) {
  Arena& arena = draft.arena;
  Element bundle = to_bundle(draft);
  Header header(draft, message, sender);
  Element first = Element::of_object();
  Digest digest;
  digest.add("MessageHeader");
  digest.add(sender.name);
  digest.add(message.control_id());
  first.set(arena, "fullUrl", Element::of_string(arena.copy("urn:uuid:" + digest.uuid())));
  first.set(arena, "resource", header.make(bundle));
  Element entries = Element::of_array();
  entries.push(arena, first);
  if (Element const* const others = bundle.find("entry"))
    for (Element const& entry : others->items()) entries.push(arena, entry);
  Element made = Element::of_object();
  made.set(arena, "resourceType", Element::of_string("Bundle"));
  if (std::string_view const id = message.control_id(); !id.empty()) {
    Element identifier = Element::of_object();
    identifier.set(arena, "value", Element::of_string(arena.copy(id)));
    made.set(arena, "identifier", identifier);
  }
  made.set(arena, "type", Element::of_string("message"));
  if (Element const sent = header.sent(); !sent.is_null()) made.set(arena, "timestamp", sent);
  made.set(arena, "entry", entries);
  return made;
}

}  // namespace mappings::language
