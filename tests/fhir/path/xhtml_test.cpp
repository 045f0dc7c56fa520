#include "fhir/path/xhtml.hpp"

#include <gtest/gtest.h>

namespace fhir::path {
namespace {

std::string div(std::string_view content) {
  return std::string("<div xmlns=\"http://www.w3.org/1999/xhtml\">").append(content).append("</div>");
}

TEST(Xhtml, WhatNarrativesMayHavePasses) {
  EXPECT_EQ(find_html_problem(div("a")), "");
  EXPECT_EQ(
      find_html_problem(div("<p class=\"x\">a &amp; b &#160;<br/><img src=\"#i\" alt=\"x\"/></p><!-- c -->")),
      "");
  EXPECT_EQ(
      find_html_problem(div("<table border='1'><tbody><tr><td colspan=\"2\">x</td></tr></tbody></table>")),
      "");
  EXPECT_EQ(find_html_problem(div("<img src=\"data:x\"/>")), "");
}

TEST(Xhtml, WhatTheyMayNotHaveIsNamed) {
  for (std::string const& wrong : {div("<script>x</script>"),
                                   div("<p onclick=\"x\">a</p>"),
                                   div("<form>a</form>"),
                                   div("a &nbsp; b"),
                                   div(" \n "),
                                   div("<p>a"),
                                   div("<p>a</b></p>"),
                                   div("<a href=\"javascript:x\">a</a>"),
                                   div("<p class>a</p>"),
                                   div("<p class=x>a</p>"),
                                   div("<![CDATA[a]]>"),
                                   div("<?php a ?>"),
                                   std::string("<p>a</p>"),
                                   std::string("<div>a</div>"),
                                   std::string("text"),
                                   std::string(),
                                   div("a") + "b",
                                   std::string("<div xmlns=\"urn:other\">a</div>"),
                                   div("a &b"),
                                   div("<p a=\"")}) {
    EXPECT_NE(find_html_problem(wrong), "") << wrong;
  }
}

TEST(Xhtml, DepthIsBounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<b>";
  EXPECT_NE(find_html_problem(div(deep)), "");
}

}  // namespace
}  // namespace fhir::path
