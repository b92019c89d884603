package decode

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// Object decodes an object into the type that its own package has for it. The object is returned with an
// error too, as far as it was read, so that the error's reader can name it. Who manages which field is
// forgotten: it is most of some objects.
func Object[T any, P pointerTo[T]](raw []byte, defaultNamespace string) (P, error) {
	object := P(new(T))
	err := kjson.UnmarshalCaseSensitivePreserveInts(raw, object)
	if object.GetNamespace() == "" {
		object.SetNamespace(defaultNamespace)
	}
	Forget(object)
	return object, named(object.GetName(), err)
}

// Forget drops what nobody asks about from an object's metadata.
func Forget(object metav1.Object) { object.SetManagedFields(nil) }
