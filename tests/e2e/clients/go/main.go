// client_golang; see ../README.md for the arguments. A job that ends in "text" is pushed as text, any other in the library's
// default format, which is delimited protobuf.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/prometheus/common/expfmt"
)

func pushed(native string) []prometheus.Collector {
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "client_gauge", Help: "A gauge"}, []string{"l"})
	gauge.WithLabelValues("x").Set(1.25)
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "client_seconds", Help: "A histogram", Buckets: []float64{0.1, 1}})
	for _, value := range []float64{0.05, 0.5, 5} {
		histogram.Observe(value)
	}
	summary := prometheus.NewSummary(prometheus.SummaryOpts{
		Name: "client_bytes", Help: "A summary", Objectives: map[float64]float64{0.5: 0.05}})
	summary.Observe(10)
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "client_jobs_total", Help: "A counter"})
	counter.(prometheus.ExemplarAdder).AddWithExemplar(3, prometheus.Labels{"trace": "t"})
	sparse := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: native, Help: "A native histogram", NativeHistogramBucketFactor: 1.1})
	for _, value := range []float64{0, 0.5, 0.51, 8} {
		sparse.Observe(value)
	}
	return []prometheus.Collector{gauge, histogram, summary, counter, sparse}
}

func gauge(name, help string, value float64) []prometheus.Collector {
	one := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	one.Set(value)
	return []prometheus.Collector{one}
}

func main() {
	step, job := os.Args[1], os.Args[2]
	text := strings.HasSuffix(job, "text")
	// Text does not carry native buckets, and Prometheus 2.42 mistakes a family that mixes both kinds.
	native := map[bool]string{false: "client_native_seconds", true: "client_native_text_seconds"}[text]
	collectors := map[string][]prometheus.Collector{
		"push": pushed(native), "add": gauge("client_more", "Added", 7), "refused": gauge("client_taken", "Taken", 1)}[step]
	for _, address := range os.Args[3:] {
		pusher := push.New("http://"+address, job).Grouping("instance", "g/1").Grouping("zone", "a b")
		if text {
			pusher.Format(expfmt.NewFormat(expfmt.TypeTextPlain))
		}
		for _, collector := range collectors {
			pusher.Collector(collector)
		}
		err := map[string]func() error{"push": pusher.Push, "add": pusher.Add, "refused": pusher.Add, "delete": pusher.Delete}[step]()
		if err != nil {
			fmt.Println("refused:", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok")
		}
	}
}
