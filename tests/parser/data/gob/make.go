// Writes the gob files of this folder that no Pushgateway writes: go run make.go FOLDER
package main

import (
	"encoding/gob"
	"log"
	"os"
	"path/filepath"
	"time"
)

// Family writes its own bytes, as the reference's GobbableMetricFamily does.
type Family []byte

func (f Family) GobEncode() ([]byte, error) { return f, nil }

type Inner struct {
	Deep  map[string][]float64
	Again *Inner
}

type TimestampedMetricFamily struct {
	Before               []string
	Timestamp            time.Time
	Between              map[int]Inner
	GobbableMetricFamily *Family
	Behind               interface{}
}

// Every kind of field that a later version could add, around those that are read.
type MetricGroup struct {
	Flag    bool
	Int     int
	Float   float64
	Complex complex128
	Bytes   []byte
	Labels  map[string]string
	Array   [3]int8
	Inner   Inner
	Any     interface{}
	Nothing interface{}
	Metrics map[string]TimestampedMetricFamily
	Last    []Inner
}

type PlainFamily struct {
	Timestamp            time.Time
	GobbableMetricFamily *Family
}

type PlainGroup struct {
	Labels  map[string]string
	Metrics map[string]PlainFamily
}

type OldFamily struct {
	Timestamp    time.Time
	MetricFamily string
}

type OldGroup struct {
	Labels  map[string]string
	Metrics map[string]OldFamily
}

func write(name string, value interface{}) {
	file, err := os.Create(filepath.Join(os.Args[1], name))
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	if err := gob.NewEncoder(file).Encode(value); err != nil {
		log.Fatal(err)
	}
}

func family(text string) *Family {
	f := Family(text)
	return &f
}

func main() {
	gob.Register(Inner{})
	gob.Register(time.Duration(0))
	inner := Inner{Deep: map[string][]float64{"a": {1.5, -0.25, 1e300}, "": nil}, Again: &Inner{Again: &Inner{}}}
	at := time.Unix(1700000000, 123456789)
	write("more_fields", map[string]MetricGroup{
		"full": {Flag: true, Int: -129, Float: 2.5, Complex: 1 + 2i, Bytes: []byte{0, 255},
			Labels: map[string]string{"job": "full", "zone": ""}, Array: [3]int8{-1, 0, 127}, Inner: inner, Any: inner,
			Metrics: map[string]TimestampedMetricFamily{"x": {Before: []string{"", "b"}, Timestamp: at,
				Between: map[int]Inner{-5: inner}, GobbableMetricFamily: family("bytes"), Behind: time.Duration(7)}},
			Last: []Inner{inner, {}}},
		"bare": {},
	})
	write("empty", map[string]PlainGroup{})
	write("uint_keys", map[uint64]PlainGroup{7: {Labels: map[string]string{"job": "old"}}})
	write("message_is_struct", map[string]OldGroup{"old": {Labels: map[string]string{"job": "old"}}})
	write("other", map[string]int{"a": 1})
	write("number", 7)
	write("times", map[string]PlainGroup{"t": {Metrics: map[string]PlainFamily{
		"zero":  {},
		"utc":   {Timestamp: time.Unix(1, 2).UTC()},
		"zone":  {Timestamp: time.Unix(3, 999999999).In(time.FixedZone("half", 19800))},
		"odd":   {Timestamp: time.Unix(-4, 0).In(time.FixedZone("odd", -3661))},
		"local": {Timestamp: time.Now().Truncate(time.Hour)},
	}}})
}
