#include "fhir/validate/path_services.hpp"

#include "fhir/validate/walk.hpp"

#include <utility>

namespace fhir::validate {

namespace {

/// A walk that stands at the resource and goes where an expression asks.
struct Standing {
  Standing(std::shared_ptr<profiles::Profiles const> of, Options with, json::Element const& resource)
      : profiles(std::move(of)),
        options(std::move(with)),
        walk(*profiles, options, issues),
        place{nullptr, resource.text_at("resourceType")} {
    here.resource = &resource;
    here.container = &resource;
    here.place = &place;
    services = walk.services_at(place, here, from);
  }

  std::shared_ptr<profiles::Profiles const> profiles;
  Options options;
  Issues issues;
  Walk walk;
  Place place;
  Surroundings here;
  packages::Loaded const* from = nullptr;
  path::Services services;
};

}  // namespace

void provide(std::shared_ptr<profiles::Profiles const> profiles, Options options,
             json::Element const& resource, path::Services& services) {
  auto const standing = std::make_shared<Standing>(std::move(profiles), std::move(options), resource);
  services.resolve = [standing](std::string_view reference) { return standing->services.resolve(reference); };
  services.conforms_to = [standing](std::string_view profile, Item const& node) {
    return standing->services.conforms_to(profile, node);
  };
  services.element_definition = [standing](Item const& node) {
    return standing->services.element_definition(node);
  };
  services.in_slice = [standing](std::string_view profile, std::string_view slice, Item const& node) {
    return standing->services.in_slice(profile, slice, node);
  };
}

}  // namespace fhir::validate
