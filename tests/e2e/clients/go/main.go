// Pushes, adds and deletes with client_golang. Arguments: the gateway's host:port, the step, and for its default format
// (delimited protobuf) the word protobuf; else it is text.
package main

import (
	"log"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/prometheus/common/expfmt"
)

func main() {
	job, protobuf := "go", len(os.Args) > 3 && os.Args[3] == "protobuf"
	if protobuf {
		job = "go-protobuf"
	}
	pusher := push.New("http://"+os.Args[1], job).Grouping("instance", "g/1").Grouping("zone", "a b")
	if !protobuf {
		pusher.Format(expfmt.NewFormat(expfmt.TypeTextPlain))
	}
	var err error
	switch os.Args[2] {
	case "push":
		gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "go_client_gauge", Help: "A gauge"}, []string{"l"})
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
		native := prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "client_native_seconds", Help: "A native histogram", NativeHistogramBucketFactor: 1.1})
		native.Observe(0.5)
		err = pusher.Collector(gauge).Collector(histogram).Collector(summary).Collector(counter).Collector(native).Push()
	case "add":
		more := prometheus.NewGauge(prometheus.GaugeOpts{Name: "client_more", Help: "Added"})
		more.Set(7)
		err = pusher.Collector(more).Add()
	case "delete":
		err = pusher.Delete()
	}
	if err != nil {
		log.Fatal(err)
	}
}
