// Which Content-Types make a body protobuf. The outcomes are those of Go's mime.ParseMediaType.
#include "parser/media_type.h"

#include <gtest/gtest.h>

namespace sluice::parser {
namespace {

TEST(MediaType, IsDelimitedProtobuf) {
  for (
      const char* text : {
          "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
          "application/vnd.google.protobuf;encoding=delimited;proto=io.prometheus.client.MetricFamily",
          "Application/Vnd.Google.Protobuf; Proto=io.prometheus.client.MetricFamily; ENCODING=delimited",
          " application/vnd.google.protobuf ; proto = \"io.prometheus.client.MetricFamily\" ; encoding=\"delimited\" ",
          "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; charset=utf-8",
          "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited;",
          "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; "
          "encoding=delimited",
          "application/vnd.google.protobuf; proto=\"io.prometheus\\.client.MetricFamily\"; "
          "proto*=utf-8''io.prometheus.client.MetricFamily; encoding=delimited",
          "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding*0=deli; encoding*1=mited",
          "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding*0*=us-ascii'en'%64eli; "
          "encoding*1*=mit%65d",
          "application/vnd.google.protobuf;\t\r\nproto=io.prometheus.client.MetricFamily; encoding=delimited",
      }) {
    EXPECT_TRUE(is_delimited_protobuf(text)) << text;
  }
}

TEST(MediaType, IsNot) {
  for (const char* text : {
           "",
           ";",
           "text/plain",
           "text/plain; version=0.0.4",
           "application/x-protobuf",
           "application/vnd.google.protobuf",
           "application/vnd.google.protobuf; encoding=delimited",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text",
           "application/vnd.google.protobuf; proto=io.prometheus.client.metricfamily; encoding=delimited",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; x",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; x=",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited;;",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; "
           "encoding=text",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily, encoding=delimited",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=\"delimited",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=\"deli\nmited\"",
           "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; "
           "encoding*=utf-8''text",
           "application /vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
       }) {
    EXPECT_FALSE(is_delimited_protobuf(text)) << text;
  }
  const std::string_view start = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; ";
  EXPECT_FALSE(is_delimited_protobuf(std::string(start) + "encoding*=iso-8859-1''delimited"));
}

}  // namespace
}  // namespace sluice::parser
