// Command go-parsers measures the parsers of the exposition format that are written in Go, on bytes from files:
// Prometheus's own scrape parser, expfmt as the Pushgateway uses it, and VictoriaMetrics'.
//
//	go-parsers SECONDS FILE SAMPLES [FILE SAMPLES ...]
//
// Each parser takes each body again and again for SECONDS. One line of JSON for each: parser, file, bytes a second,
// nanoseconds and allocations a sample. Each round's number of samples is checked.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	victoria "github.com/VictoriaMetrics/VictoriaMetrics/lib/protoparser/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// A parser goes through a body once and says how many samples it found.
type parser struct {
	name string
	run  func(body []byte) (int, error)
}

// What a scrape does with each line: the labels as a sorted set, and the value.
func prometheusParser() parser {
	symbols := labels.NewSymbolTable()
	var series labels.Labels
	return parser{"prometheus model/textparse", func(body []byte) (int, error) {
		p := textparse.NewPromParser(body, symbols, false)
		samples := 0
		for {
			entry, err := p.Next()
			if errors.Is(err, io.EOF) {
				return samples, nil
			}
			if err != nil {
				return 0, err
			}
			if entry != textparse.EntrySeries {
				continue
			}
			p.Series()
			p.Labels(&series)
			samples++
		}
	}}
}

// What the Pushgateway does with a push, before it sorts and checks.
func expfmtParser() parser {
	return parser{"prometheus/common expfmt", func(body []byte) (int, error) {
		p := expfmt.NewTextParser(model.LegacyValidation)
		families, err := p.TextToMetricFamilies(bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		samples := 0
		for _, family := range families {
			samples += samplesOf(family)
		}
		return samples, nil
	}}
}

func samplesOf(family *dto.MetricFamily) int {
	if family.GetType() != dto.MetricType_HISTOGRAM {
		return len(family.Metric)
	}
	samples := 0
	for _, metric := range family.Metric {
		samples += len(metric.Histogram.Bucket) + 2
	}
	return samples
}

func victoriaParser() parser {
	var rows victoria.Rows
	return parser{"VictoriaMetrics protoparser", func(body []byte) (int, error) {
		var failed error
		rows.UnmarshalWithErrLogger(string(body), func(line string) { failed = errors.New(line) })
		return len(rows.Rows), failed
	}}
}

type result struct {
	Parser          string  `json:"parser"`
	File            string  `json:"file"`
	BytesPerSecond  float64 `json:"bytes_per_second"`
	NsPerSample     float64 `json:"ns_per_sample"`
	AllocsPerSample float64 `json:"allocations_per_sample"`
}

func measure(p parser, file string, body []byte, want int, seconds float64) (result, error) {
	once := func() error {
		got, err := p.run(body)
		if err == nil && got != want {
			err = fmt.Errorf("%s found %d samples in %s instead of %d", p.name, got, file, want)
		}
		return err
	}
	if err := once(); err != nil {
		return result{}, err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rounds, began := 0, time.Now()
	for rounds == 0 || time.Since(began).Seconds() < seconds {
		if err := once(); err != nil {
			return result{}, err
		}
		rounds++
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	samples := float64(rounds) * float64(want)
	return result{p.name, file, float64(rounds) * float64(len(body)) / took.Seconds(),
		float64(took.Nanoseconds()) / samples, float64(after.Mallocs-before.Mallocs) / samples}, nil
}

func run(arguments []string) error {
	if len(arguments) < 3 || len(arguments)%2 == 0 {
		return errors.New("usage: go-parsers SECONDS FILE SAMPLES [FILE SAMPLES ...]")
	}
	seconds, err := strconv.ParseFloat(arguments[0], 64)
	if err != nil {
		return err
	}
	output := json.NewEncoder(os.Stdout)
	for at := 1; at < len(arguments); at += 2 {
		body, err := os.ReadFile(arguments[at])
		if err != nil {
			return err
		}
		want, err := strconv.Atoi(arguments[at+1])
		if err != nil {
			return err
		}
		for _, make := range []func() parser{prometheusParser, expfmtParser, victoriaParser} {
			found, err := measure(make(), arguments[at], body, want, seconds)
			if err != nil {
				return err
			}
			if err := output.Encode(found); err != nil {
				return err
			}
		}
	}
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "go-parsers:", err)
		os.Exit(1)
	}
}
