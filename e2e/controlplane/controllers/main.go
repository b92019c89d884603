// Controllers runs the three controllers of kube-controller-manager that timers are made of: the one that says
// when a Job is complete, the one that deletes finished Jobs, and the garbage collector. It is their own code, at
// the version of the API server. The whole program needs a hundred more modules.
//
//	controllers KUBECONFIG
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/ttlafterfinished"
)

const (
	workers = 2
	// resync is how often the garbage collector looks for new kinds: scripts bring their own.
	resync = 5 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: controllers KUBECONFIG")
	}
	config, err := clientcmd.BuildConfigFromFlags("", args[0])
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 200, 400
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	shared := informers.NewSharedInformerFactory(kube, 0)
	jobs, err := job.NewController(ctx, kube, shared.Core().V1().Pods(), shared.Batch().V1().Jobs(), nil, nil)
	if err != nil {
		return err
	}
	finished := ttlafterfinished.New(ctx, shared.Batch().V1().Jobs(), kube)
	started := make(chan struct{})
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kube.Discovery()))
	others := metadatainformer.NewSharedInformerFactory(meta, 0)
	collector, err := garbagecollector.NewGarbageCollector(ctx, kube, meta, mapper, ignored(),
		informerfactory.NewInformerFactory(shared, others), started)
	if err != nil {
		return err
	}
	go jobs.Run(ctx, workers)
	go finished.Run(ctx, workers)
	go collector.Run(ctx, workers, time.Minute)
	go collector.Sync(ctx, kube.Discovery(), resync)
	shared.Start(ctx.Done())
	others.Start(ctx.Done())
	close(started)
	<-ctx.Done()
	return nil
}

// ignored are the kinds whose objects name owners that nobody has made: the pods of the tests, and what belongs to them.
func ignored() map[schema.GroupResource]struct{} {
	out := map[schema.GroupResource]struct{}{
		{Resource: "pods"}: {},
		{Group: "cilium.io", Resource: "ciliumendpoints"}: {},
	}
	maps.Copy(out, garbagecollector.DefaultIgnoredResources())
	return out
}
